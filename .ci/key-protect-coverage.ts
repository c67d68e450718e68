import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { OPERATIONS } from '../src/api/key-protect/operations/index.ts'
import { notImplemented } from '../src/api/key-protect/operations/not-implemented.ts'
import { unknownAction } from '../src/api/key-protect/operations/unknown-action.ts'
import { KEY_PROTECT_CALLS, type KeyProtectCall } from './key-protect-calls.ts'

const ROOT = path.join(import.meta.dirname, '..')
const DOCUMENT = path.join(ROOT, 'docs/key-protect-coverage.md')
const TESTS = 'test/kms'

const HEAD = `# Key Protect, call by call

Made by \`npm run coverage:key-protect\` from the table of Key Protect's API, version 2 (paths below \`/api/v2\`), the operations that the server has and
the tests in \`${TESTS}\`: those that are named for the call or drive it with the client, else those that send it. The tests fail when it is not up to
date. "Client" is the method of \`@ibm-cloud/ibm-key-protect\` 0.1.2, the one on npm, which \`client.test.ts\` drives unmodified, each method answered and
refused; in parentheses what newer clients call it. What is not implemented is refused with 501 \`NOT_IMPLEMENTED_ERR\`.
`

type Operation = (typeof OPERATIONS)[number]

/** What a test file says that it is about, and what it sends. */
interface Driver {
  readonly file: string
  /** `METHOD /path` of the endpoints that its suites are named for. */
  readonly about: readonly string[]
  /** `METHOD /path`, with `{}` for what the test puts in. */
  readonly sends: readonly string[]
  readonly clientMethods: ReadonlySet<string>
}

/** The text of docs/key-protect-coverage.md. Throws when a call has no test, or an operation is no call of the table. */
export function keyProtectCoverage(): string {
  const drivers = readdirSync(path.join(ROOT, TESTS))
    .filter((name) => name.endsWith('.test.ts'))
    .sort()
    .map(driver)
  const claimed = new Set<Operation>([unknownAction])
  const rows = KEY_PROTECT_CALLS.map((call) => {
    const operation = operationOf(call)
    if (operation) claimed.add(operation)
    const implemented = operation !== undefined && !notImplemented.includes(operation)
    const tests = testsOf(drivers, call).map(({ file }) => `\`${file}\``)
    if (implemented && tests.length === 0) throw new Error(`no test in ${TESTS} sends ${endpointOf(call)}`)
    const client = call.onNpm ? `\`${call.name}\`` : `– (${call.name})`
    return [`\`${endpointOf(call)}\``, implemented ? 'yes' : 'no', implemented ? tests.join(', ') : '', client]
  })
  const forgotten = OPERATIONS.find((operation) => !claimed.has(operation))
  if (forgotten) throw new Error(`${forgotten.method} ${forgotten.path} is not in the table of calls`)
  const done = rows.filter(([, implemented]) => implemented === 'yes').length
  const table = [['endpoint', 'implemented', 'tests', 'client'], ['---', '---', '---', '---'], ...rows]
  return `${HEAD}\n${done} of ${rows.length} calls.\n\n${table.map((row) => `| ${row.join(' | ')} |`).join('\n')}\n`
}

const endpointOf = ({ method, path: at, action }: KeyProtectCall): string =>
  `${method} ${at}${action === undefined ? '' : `?action=${action}`}`

function operationOf({ method, path: at, action }: KeyProtectCall): Operation | undefined {
  const shape = (text: string) => text.replace(/\{[^}]*\}|:\w+/g, '{}')
  return OPERATIONS.find(
    (operation) =>
      operation.method === method &&
      shape(operation.path) === shape(`/api/v2${at}`) &&
      operation.query?.['action'] === action,
  )
}

function driver(file: string): Driver {
  const text = readFileSync(path.join(ROOT, TESTS, file), 'utf8')
  const sent = /['`](GET|HEAD|POST|PUT|PATCH|DELETE)(?:',\s*[`']|\s)(\/[^`']*)/g
  return {
    file,
    about: [...text.matchAll(/\bdescribe\('([^']+)'/g)].flatMap(([, title = '']) => endpointsIn(title)),
    sends: [...text.matchAll(sent)].map(([, method, at = '']) => `${method} ${at.replace(/\$\{[^}]*\}?/g, '{}')}`),
    clientMethods: new Set([...text.matchAll(/\b(?:call|refused)\('([a-z]\w+)'/g)].map(([, name = '']) => name)),
  }
}

/** `POST and DELETE /keys/{id}` names two. */
function endpointsIn(title: string): string[] {
  const found: string[] = []
  let methods: string[] = []
  let after = ''
  for (const [word] of title.matchAll(/\b[A-Z]{3,}\b|\/(?:\{[^}]*\}|[^\s{])+/g)) {
    if (word.startsWith('/')) found.push(...methods.map((method) => `${method} ${word}`))
    else methods = after.startsWith('/') ? [word] : [...methods, word]
    after = word
  }
  return found
}

/** Those that are about the call; when there are none, all that send it. */
function testsOf(drivers: readonly Driver[], call: KeyProtectCall): readonly Driver[] {
  const about = drivers.filter(
    (candidate) => candidate.about.includes(endpointOf(call)) || (call.onNpm && candidate.clientMethods.has(call.name)),
  )
  return about.length > 0 ? about : drivers.filter((candidate) => sendsCall(candidate, call))
}

function sendsCall({ sends }: Driver, call: KeyProtectCall): boolean {
  const segments = call.path.split('/').map((segment) => (segment.startsWith('{') ? '[^/?]+' : segment))
  const query = call.action === undefined ? '(?!\\?action=)' : `\\?action=(${call.action}$|\\{\\})`
  // A literal path, as /keys/registrations, is not one of its patterns.
  const literal = KEY_PROTECT_CALLS.filter((other) => other !== call && !other.path.includes('{')).map(endpointOf)
  const pattern = new RegExp(`^${call.method} ${segments.join('/')}(?=$|\\?)${query}`)
  return sends.some((sent) => pattern.test(sent) && !(call.path.includes('{') && literal.includes(sent)))
}

if (import.meta.main) {
  writeFileSync(DOCUMENT, keyProtectCoverage())
  console.log(`wrote ${path.relative(ROOT, DOCUMENT)}`)
}
