import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import * as sdk from '@aws-sdk/client-s3'
import { OPERATIONS } from '../src/api/s3/operations/index.ts'
import { UNIMPLEMENTED } from '../src/api/s3/unimplemented.ts'
import { DEVIATIONS } from './s3-deviations.ts'

const ROOT = path.join(import.meta.dirname, '..')
const DOCUMENT = path.join(ROOT, 'docs/s3-coverage.md')
const TESTS = 'test/s3'

const HEAD = `# S3, operation by operation

Made by \`npm run coverage:s3\` from the table of operations that the server has, the operations of AWS's own client and the tests in \`${TESTS}\`: those
that are named for the operation, else those that send it. The tests fail when it is not up to date. What is not implemented is refused with 501
\`NotImplemented\` and its name. How the public suite of tests does is told in [s3-conformance.md](s3-conformance.md).
`

/** Operations that no client sends by a name of its own. */
const BEYOND_CLIENT: Readonly<Record<string, string>> = {
  PostObject: 'a browser’s form',
}

interface Driver {
  readonly file: string
  readonly text: string
}

/** The text of docs/s3-coverage.md. Throws when an implemented operation has no test. */
export function s3Coverage(): string {
  const drivers = readdirSync(path.join(ROOT, TESTS))
    .filter((name) => name.endsWith('.test.ts'))
    .sort()
    .map((file): Driver => ({ file, text: readFileSync(path.join(ROOT, TESTS, file), 'utf8') }))
  const implemented = new Set(OPERATIONS.map(({ name }) => name))
  const names = [...new Set([...clientOperations(), ...implemented, ...refusedNames()])].sort()
  const rows = names.map((name) => {
    const done = implemented.has(name)
    const tests = done ? testsOf(drivers, name) : []
    if (done && tests.length === 0) throw new Error(`no test in ${TESTS} drives ${name}`)
    return [`\`${name}\``, done ? 'yes' : 'no', tests.map((file) => `\`${file}\``).join(', '), noteOf(name)]
  })
  const known = new Set(names)
  const forgotten = DEVIATIONS.find(({ operation }) => operation !== '' && !known.has(operation))
  if (forgotten) throw new Error(`a deviation is told of ${forgotten.operation}, which is no operation`)
  const count = rows.filter(([, done]) => done === 'yes').length
  const table = [['operation', 'implemented', 'tests', ''], ['---', '---', '---', '---'], ...rows]
  const deviations = DEVIATIONS.map(({ operation, is, why }) => [
    operation === '' ? 'all' : `\`${operation}\``,
    is,
    why,
  ])
  const second = [['operation', 'Coffer', 'why'], ['---', '---', '---'], ...deviations]
  return `${HEAD}\n${count} of ${rows.length} operations.\n\n${markdown(table)}\n## Where Coffer is not as AWS\n\n${markdown(second)}`
}

const markdown = (rows: readonly (readonly string[])[]): string =>
  rows.map((row) => `| ${row.join(' | ')} |\n`).join('')

/** Every operation of the current model, as AWS's client has them. */
const clientOperations = (): string[] =>
  Object.keys(sdk)
    .filter((name) => /^[A-Z]\w+Command$/.test(name))
    .map((name) => name.replace(/Command$/, ''))

function refusedNames(): string[] {
  return Object.values(UNIMPLEMENTED).flatMap((group) =>
    Object.values(group).flatMap((methods) =>
      Object.values(methods).flatMap((name) => (typeof name === 'string' ? [name] : [name.one, name.all])),
    ),
  )
}

const noteOf = (name: string): string => {
  if (BEYOND_CLIENT[name] !== undefined) return BEYOND_CLIENT[name]
  return clientOperations().includes(name) ? '' : 'IBM’s, or an extension'
}

/** Those that are named for the operation; when there are none, all that send it. */
function testsOf(drivers: readonly Driver[], name: string): string[] {
  const kebab = name.replaceAll(/(?<=[a-z0-9])(?=[A-Z])/g, '-').toLowerCase()
  const own = drivers.filter(({ file, text }) => file === `${kebab}.test.ts` || text.includes(`describe('${name}`))
  const sends = new RegExp(`\\b${name}(?:Command)?\\b`)
  const found = own.length > 0 ? own : drivers.filter(({ text }) => sends.test(text))
  return found.map(({ file }) => file)
}

if (import.meta.main) {
  writeFileSync(DOCUMENT, s3Coverage())
  console.log(`wrote ${path.relative(ROOT, DOCUMENT)}`)
}
