import { readFile, stat, writeFile } from 'node:fs/promises'
import { Writable } from 'node:stream'
import { expect, it } from 'vitest'
import { providerCommand } from '../../src/server/commands/provider.ts'
import { readConfig } from '../../src/server/config.ts'
import { PROVIDER_MEMBERS } from '../../src/server/declared-providers.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const BEFORE = `# by hand
[s3]
listen = "127.0.0.1:9000"   # as it was

[key-providers.former]
type = "key-protect"
url = "https://kms.example:9001"
api-key = "x"
regions = ["eu-de"]

[kms]
sweep-interval-ms = 1000
`

async function provider(...args: readonly string[]) {
  let text = ''
  const out = new Writable({
    write: (chunk, _encoding, done) => {
      text += String(chunk)
      done()
    },
  })
  return { status: await providerCommand(args, { out, err: out }), text }
}

it('writes a key provider into the settings and takes it out again, and leaves all else as it was written', async () => {
  await using home = await temporaryDirectory()
  const file = home.join('coffer.toml')
  await writeFile(file, BEFORE, { mode: 0o600 })
  await writeFile(home.join('hq.key'), 'secret\n', { mode: 0o600 })
  const add = [
    'add',
    'key-protect',
    'hq',
    '--url',
    'https://hq.example',
    '--api-key-file',
    home.join('hq.key'),
    '--regions',
    'us-south,eu-gb',
    '--config-file',
    file,
  ]
  expect(await provider(...add, '--dry-run')).toMatchObject({
    status: 0,
    text: expect.stringContaining('Nothing was changed'),
  })
  expect(await readFile(file, 'utf8')).toBe(BEFORE)
  expect(await provider(...add)).toMatchObject({ status: 0, text: expect.stringContaining('when it is started again') })
  const text = await readFile(file, 'utf8')
  expect([text.startsWith(BEFORE), text.includes('secret'), (await stat(file)).mode & 0o777]).toEqual([
    true,
    false,
    0o600,
  ])
  const { 'key-providers': declared } = readConfig(['--config-file', file], {})
  expect(declared.map(({ name, claims }) => [name, claims.regions])).toEqual([
    ['former', ['eu-de']],
    ['hq', ['us-south', 'eu-gb']],
  ])
  expect(await provider(...add)).toMatchObject({ status: 9, text: expect.stringContaining('already') })

  expect(await provider('rm', 'hq', '--config-file', file)).toMatchObject({
    status: 2,
    text: expect.stringContaining('--yes'),
  })
  expect((await provider('rm', 'hq', '--config-file', file, '--yes')).status).toBe(0)
  expect((await readFile(file, 'utf8')).trimEnd()).toBe(BEFORE.trimEnd())
  expect((await provider('rm', 'former', '--config-file', file, '--yes')).status).toBe(0)
  expect(await readFile(file, 'utf8')).toBe(BEFORE.replace(/\[key-providers.former\][^[]*\[[^[]*\n\n/, ''))
  expect(await provider('rm', 'former', '--config-file', file, '--yes', '--json')).toMatchObject({
    status: 9,
    text: expect.stringContaining('"ConfigInvalid"'),
  })
})

it('writes nothing that a server would not take, and knows no type that there is not', async () => {
  await using home = await temporaryDirectory()
  const file = home.join('coffer.toml')
  await writeFile(
    file,
    'key-providers = { hq = { type = "key-protect", url = "https://hq.example", api-key = "x" } }\n',
  )
  const before = await readFile(file, 'utf8')
  for (const [status, ...args] of [
    [9, 'add', 'key-protect', 'dr', '--url', 'nonsense'],
    [9, 'add', 'key-protect', 'dr', '--url', 'https://dr.example'],
    [2, 'add', 'vault', 'dr', '--url', 'https://dr.example'],
    [2, 'add', 'key-protect', 'dr', '--api-key', 'secret'],
    [9, 'rm', 'hq', '--yes'],
  ] as const) {
    expect([args, (await provider(...args, '--config-file', file)).status]).toEqual([args, status])
    expect(await readFile(file, 'utf8')).toBe(before)
  }
})

it('says in its help what a kind needs, and is told so when that is not given', async () => {
  await using home = await temporaryDirectory()
  const { text } = await provider('add', '--help')
  const [, needed = '', taken = ''] = /\n {2}key-protect, .*?needs\n(.*?) {2}and takes.*?\n(.*?)\n\n/s.exec(text) ?? []
  for (const member of PROVIDER_MEMBERS.filter((one) => !['type', 'api-key', 'api-keys'].includes(one)))
    expect(`${needed}${taken}`).toContain(`--${member}`)
  expect(needed).toMatch(/--url[\s\S]*--api-key-file/)
  await writeFile(home.join('hq.key'), 'secret\n', { mode: 0o600 })
  const file = ['--config-file', home.join('coffer.toml')]
  const add = ['add', 'key-protect', 'hq', ...file]
  expect((await provider(...add, '--api-key-file', home.join('hq.key'))).text).toContain('has no url')
  expect((await provider(...add, '--url', 'https://kms.example')).text).toContain('has no api-key')
})
