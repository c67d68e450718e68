import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { NOUNS } from '../../src/cli/commands/index.ts'
import { referenceText } from '../../src/cli/reference.ts'
import type { CommandSpec } from '../../src/cli/spec.ts'
import { mainAccount } from '../support/bootstrap.ts'
import { type CliServer, startCliServer } from '../support/cli-server.ts'

let cli: CliServer
const cwd = process.cwd()

const all: readonly (readonly [string, CommandSpec])[] = (
  await Promise.all(NOUNS.map(async ({ noun, load }) => (await load()).COMMANDS.map((spec) => [noun, spec] as const)))
).flat()
const lineOf = (noun: string, { name }: CommandSpec): string => [noun, name].filter(Boolean).join(' ')

/** Throws where a line is none. */
const documentsIn = (out: string): unknown[] =>
  out
    .trimEnd()
    .split('\n')
    .map((text) => JSON.parse(text))

/** As a shell takes it apart. */
const wordsOf = (line: string): string[] =>
  [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, word]) => quoted ?? word ?? '').slice(1)

/** What has to be there before the examples of a command. */
const BEFORE: Readonly<Record<string, readonly string[]>> = {
  'bucket rm': ['coffer bucket create old-logs', 'coffer object put report.pdf old-logs/'],
  'bucket policy get': ['coffer bucket policy set invoices policy.json'],
  'bucket lifecycle get': ['coffer bucket lifecycle set logs --expire-days 1'],
  'object ls': FILES_IN('2026/report.pdf', '2026/notes.txt', '2026/draft.txt', '2026/deleted.txt', 'tmp/a'),
  'object restore': ['coffer object rm invoices/2026/deleted.txt --yes'],
  import: [
    'coffer bucket create photos',
    'coffer bucket create imported',
    'coffer object put photos photos/ --recursive',
  ],
  export: ['coffer bucket create exported'],
  'key rm': ['coffer key create spare-root'],
  'user rm': ['coffer user create svc-old'],
  'policy detach': ['coffer user create svc-leaving --role Reader'],
  'jobs ls': ['coffer rewrap --bucket invoices --wait'],
  'jobs pause': ['coffer rewrap --bucket invoices'],
  'jobs cancel': ['coffer rewrap --bucket invoices'],
  logout: ['coffer login http://127.0.0.1:9001 --name local'],
  'profile use': ['coffer login http://127.0.0.1:9001 --name local'],
}

function FILES_IN(...keys: readonly string[]): readonly string[] {
  return keys.map((key) => `coffer object put report.pdf invoices/${key}`)
}

/** In this order: what makes things comes before what shows them, and what takes them away last. */
const FIRST = [
  'authorization show',
  'authorization rm',
  'authorization create',
  'bucket create',
  'object put',
  'object ls',
  'bucket lifecycle set',
]
const LAST = ['bucket policy rm', 'bucket lifecycle rm', 'bucket rm']

const inOrder = all.toSorted(([a, one], [b, other]) => rank(lineOf(a, one)) - rank(lineOf(b, other)))

function rank(line: string): number {
  if (FIRST.includes(line)) return FIRST.indexOf(line) - FIRST.length
  return LAST.includes(line) ? 1 : 0
}

/** Ids that only a run knows. */
const LOOKED_UP: Readonly<Record<string, string>> = {
  AUTHORIZATION: 'coffer authorization ls --quiet',
  POLICY: 'coffer policy ls --user svc-billing --quiet',
  CREDENTIAL: 'coffer user key ls svc-billing --quiet',
}

async function run(line: string) {
  let asked = line
    .replace('http://minio:9000', cli.server.s3Url)
    .replace('http://127.0.0.1:9001', cli.server.controlUrl)
    .replace('/mnt/', `${cli.home}/`)
  for (const [placeholder, lookUp] of Object.entries(LOOKED_UP)) {
    if (!asked.includes(placeholder)) continue
    const { out } = await cli.call(wordsOf(lookUp))
    asked = asked.replace(placeholder, out.split('\n')[0] ?? '')
  }
  return cli.call(wordsOf(asked))
}

beforeAll(async () => {
  cli = await startCliServer()
  const { accessKeyId, secretAccessKey } = mainAccount.user
  const pair = { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey }
  const source = Object.fromEntries(
    ['SOURCE_', 'TARGET_'].flatMap((side) => Object.entries(pair).map(([name, value]) => [`${side}${name}`, value])),
  )
  const { call } = cli
  cli = { ...cli, call: (args, more = {}) => call(args, { ...source, ...more }) }
  process.chdir(cli.home)
  await mkdir('photos/2026', { recursive: true })
  await mkdir('copies')
  const statement = {
    Effect: 'Allow',
    Principal: { AWS: `arn:aws:iam::${mainAccount.id}:root` },
    Action: 's3:GetObject',
  }
  const policy = { Version: '2012-10-17', Statement: [{ ...statement, Resource: 'arn:aws:s3:::invoices/*' }] }
  const rule = { ID: 'a', Status: 'Enabled', Filter: { Prefix: 'tmp/' }, Expiration: { Days: 3 } }
  const attribute = (key: string, value: string) => ({ key, operator: 'stringEquals', value })
  const access = {
    type: 'access',
    subject: { attributes: [attribute('iam_id', mainAccount.user.iamId)] },
    control: { grant: { roles: [{ role_id: 'crn:v1:bluemix:public:iam::::serviceRole:Reader' }] } },
    resource: { attributes: [attribute('serviceName', 'cloud-object-storage')] },
  }
  const files = {
    'report.pdf': 'a report',
    'photos/one.jpg': 'one',
    'photos/2026/two.jpg': 'two',
    'policy.json': JSON.stringify(policy),
    'lifecycle.json': JSON.stringify({ rules: [rule] }),
    'access.json': JSON.stringify(access),
    'material.b64': Buffer.alloc(32, 7).toString('base64'),
    'key.txt': `${mainAccount.user.apiKey}\n`,
  }
  for (const [name, content] of Object.entries(files)) await writeFile(name, content)
  expect(await run('coffer key create finance-root')).toMatchObject({ status: 0 })
  const wrapped = await run('coffer key wrap finance-root --aad invoice-4711 --quiet')
  await writeFile('wrapped.b64', wrapped.out)
})
afterAll(async () => {
  process.chdir(cwd)
  await cli[Symbol.asyncDispose]()
})

describe('each example of the help runs:', () => {
  it.each(inOrder.map(([noun, spec]) => [lineOf(noun, spec), spec] as const))('%s', async (line, spec) => {
    expect(spec.examples.length).toBeGreaterThan(0)
    for (const before of BEFORE[line] ?? []) expect([before, await run(before)]).toMatchObject([before, { status: 0 }])
    for (const example of spec.examples) {
      expect(example).toMatch(new RegExp(`^coffer ${line}( |$)`))
      expect([example, await run(example)]).toMatchObject([
        example,
        { status: 0, err: expect.not.stringContaining('✕') },
      ])
    }
  })
})

describe('each example with --json, once more, is documents, and what is refused by now is one:', () => {
  // Its answer is the object.
  const asDocuments = inOrder.filter(([noun, spec]) => lineOf(noun, spec) !== 'object cat')
  it.each(asDocuments.map(([noun, spec]) => [lineOf(noun, spec), spec] as const))('%s', async (_line, spec) => {
    for (const example of spec.examples) {
      const { out, err } = await run(example.replace(/ -- |$/, (end) => ` --json${end}`))
      expect([example, documentsIn(out), err]).toEqual([example, expect.any(Array), ''])
    }
  })
})

describe('each command', () => {
  it.each(all.map(([noun, spec]) => [lineOf(noun, spec), spec] as const))(
    '%s says in its --help what it takes',
    async (line, spec) => {
      const { status, out } = await cli.call([...line.split(' '), '--help'])
      expect(status).toBe(0)
      for (const example of spec.examples) expect(out).toContain(`  ${example}\n`)
      for (const option of Object.keys(spec.options ?? {})) expect(out).toContain(`--${option}`)
      expect(out.includes('--dry-run')).toBe(spec.destructive === true || spec.options?.['dry-run'] !== undefined)
    },
  )

  it('stands in docs/cli.md as the tables have it', async () => {
    expect(await readFile(join(cwd, 'docs/cli.md'), 'utf8')).toBe(await referenceText(NOUNS))
  })
})
