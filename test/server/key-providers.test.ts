import { writeFile } from 'node:fs/promises'
import { inspect } from 'node:util'
import { beforeEach, describe, expect, it } from 'vitest'
import { readConfig } from '../../src/server/config.ts'
import { type TemporaryDirectory, temporaryDirectory } from '../support/temporary-directory.ts'

const SECRET = 'api-key-that-nobody-may-see'
const ACCOUNT = '1'.repeat(32)
const INSTANCE = '11111111-0000-4000-8000-000000000002'

let home: TemporaryDirectory
beforeEach(async () => {
  home = await temporaryDirectory()
  return () => home[Symbol.asyncDispose]()
})

async function fromToml(text: string, mode = 0o600) {
  const path = home.join('coffer.toml')
  await writeFile(path, text, { mode })
  return readConfig([], { COFFER_CONFIG_FILE: path })['key-providers']
}
const fromEnvironment = (variables: Readonly<Record<string, string>>) =>
  readConfig(
    [],
    Object.fromEntries(Object.entries(variables).map(([name, value]) => [`COFFER_KEY_PROVIDERS_${name}`, value])),
  )['key-providers']

async function refusal(read: () => unknown): Promise<string> {
  try {
    await read()
  } catch (error) {
    expect(error).toMatchObject({ code: 'ConfigInvalid' })
    return error instanceof Error ? error.message : ''
  }
  throw new Error('taken')
}

const table = (name: string, lines: readonly string[]) =>
  [`[key-providers.${name}]`, 'type = "key-protect"', ...lines, ''].join('\n')
const URL = 'url = "https://kms.example"'
const KEY = `api-key = "${SECRET}"`

describe('key providers', () => {
  it('are none unless they are declared', () => {
    expect(readConfig([], {})['key-providers']).toEqual([])
  })

  it('are declared in tables of the file, with what they claim', async () => {
    const declared = await fromToml(
      table('hq', [URL, KEY, `instances = ["${INSTANCE.toUpperCase()}"]`]) +
        table('branch-2', [URL, KEY, `accounts = "${ACCOUNT}"`, 'regions = ["us-south", "eu-de"]']),
    )
    expect(declared.map(({ name, claims }) => ({ name, claims }))).toEqual([
      { name: 'hq', claims: { instances: [INSTANCE], accounts: [], regions: [] } },
      { name: 'branch-2', claims: { instances: [], accounts: [ACCOUNT], regions: ['us-south', 'eu-de'] } },
    ])
  })

  it('are declared by variables, which win over the file member by member', async () => {
    const path = home.join('coffer.toml')
    await writeFile(path, table('hq', [URL, KEY, 'regions = "eu-de"']), { mode: 0o600 })
    const [hq, ...none] = readConfig([], {
      COFFER_CONFIG_FILE: path,
      COFFER_KEY_PROVIDERS_HQ_REGIONS: 'us-south, us-east',
    })['key-providers']
    expect(none).toEqual([])
    expect(hq?.claims.regions).toEqual(['us-south', 'us-east'])
    const alone = fromEnvironment({
      BRANCH_2_TYPE: 'key-protect',
      BRANCH_2_URL: 'http://127.0.0.1:9001',
      BRANCH_2_IAM_URL: 'http://localhost:9001/',
      BRANCH_2_API_KEY: SECRET,
      BRANCH_2_TIMEOUT_MS: '2500',
    })
    expect(alone.map(({ name }) => name)).toEqual(['branch-2'])
  })

  it('take their API key from a private file', async () => {
    const file = home.join('api-key')
    await writeFile(file, `${SECRET}\n`, { mode: 0o600 })
    expect(await fromToml(table('hq', [URL, `api-key-file = "${file}"`]), 0o644)).toHaveLength(1)
    const named = { HQ_TYPE: 'key-protect', HQ_URL: 'https://kms.example', HQ_API_KEY_FILE: file }
    expect(fromEnvironment(named)).toHaveLength(1)
    expect(await refusal(() => fromEnvironment({ ...named, HQ_API_KEY: SECRET }))).toMatch(/exclude each other/)
    await writeFile(home.join('shared'), SECRET, { mode: 0o644 })
    expect(await refusal(() => fromEnvironment({ ...named, HQ_API_KEY_FILE: home.join('shared') }))).toMatch(
      /chmod 600/,
    )
    expect(await refusal(() => fromEnvironment({ ...named, HQ_API_KEY_FILE: home.join('none') }))).toMatch(
      /COFFER_KEY_PROVIDERS_HQ_API_KEY_FILE.*cannot be read/,
    )
    expect(await refusal(() => fromToml(table('hq', [URL, KEY]), 0o644))).toMatch(/chmod 600/)
  })

  it.each([
    ['no type', '[key-providers.hq]\nurl = "https://a"', /hq has no type: give key-protect/],
    ['an unknown type', '[key-providers.hq]\ntype = "vault"', /hq\.type .*is "vault": give key-protect/],
    ['no address', table('hq', [KEY]), /hq has no url: give an address/],
    ['no API key', table('hq', [URL]), /hq has no api-key: give one, or api-keys/],
    ['API keys of no account', table('hq', [URL, 'api-keys = "x y"']), /is \[secret\]: give a line of an account id/],
    ['two API keys of one account', table('hq', [URL, `api-keys = "${ACCOUNT} a\\n${ACCOUNT} b"`]), /give a line of/],
    ['an address that is none', table('hq', ['url = "kms"', KEY]), /hq\.url .*is "kms": give an address/],
    ['an address of another protocol', table('hq', ['url = "ftp://a"', KEY]), /give an http or https address/],
    ['a password in the address', table('hq', ['url = "https://a:b@c"', KEY]), /without user/],
    ['plain HTTP across the network', table('hq', ['url = "http://kms.example"', KEY]), /in clear: give an https/],
    ['a member that is none', table('hq', [URL, KEY, 'uri = "x"']), /hq\.uri .*is not a setting of a key-protect/],
    ['an instance that is none', table('hq', [URL, KEY, 'instances = ["x"]']), /give ids of Key Protect instances/],
    ['an account that is none', table('hq', [URL, KEY, 'accounts = "x"']), /give account ids of 32 hex digits/],
    ['a name that is none', table('HQ', [URL, KEY]), /a name is made of/],
    ['a time that is too short', table('hq', [URL, KEY, 'timeout-ms = 5']), /give at least 100/],
    ['no table at all', 'key-providers = "x"', /is not a setting/],
  ])('are refused with %s, saying how to mend it', async (_, text, expected) => {
    expect(await refusal(() => fromToml(text))).toMatch(expected)
  })

  it('may have an API key for each account', async () => {
    const lines = `\n${ACCOUNT} ${SECRET}\n  ${'2'.repeat(32)}\tother \n`
    await writeFile(home.join('keys'), lines, { mode: 0o600 })
    expect(await fromToml(table('hq', [URL, `api-keys-file = "${home.join('keys')}"`]))).toHaveLength(1)
  })

  it('may use plain HTTP across the network when that is wanted', async () => {
    expect(await fromToml(table('hq', ['url = "http://kms:9001"', KEY, 'allow-plain-http = true']))).toHaveLength(1)
  })

  it('never leave open which of two serves a key', async () => {
    const two = (a: string, b: string) => fromToml(table('a', [URL, KEY, a]) + table('b', [URL, KEY, b]))
    expect(await refusal(() => two('', ''))).toMatch(/the key providers a and b may both claim the same root key/)
    expect(await refusal(() => two('regions = "eu-de"', 'regions = "us-south,eu-de"'))).toMatch(/may both claim/)
    expect(await two('regions = "eu-de"', 'regions = "us-south"')).toHaveLength(2)
    expect(await two('regions = "eu-de"', `accounts = "${ACCOUNT}"`)).toHaveLength(2)
    expect(await two('', 'regions = "eu-de"')).toHaveLength(2)
  })

  it('show their API key to nobody', async () => {
    const config = readConfig([], {
      COFFER_KEY_PROVIDERS_HQ_TYPE: 'key-protect',
      COFFER_KEY_PROVIDERS_HQ_URL: 'https://kms.example',
      COFFER_KEY_PROVIDERS_HQ_API_KEY: SECRET,
    })
    expect(inspect(config, { depth: 9, showHidden: true })).not.toContain(SECRET)
    expect(JSON.stringify(config)).not.toContain(SECRET)
    const file = `[key-providers.hq]\ntype = "key-protect"\n${KEY}\n${URL}\napi-key = 5\n`
    expect(await refusal(() => fromToml(file))).not.toContain(SECRET)
  })

  it('are needed by the objects half, with a root key for buckets that name none', async () => {
    expect(await refusal(() => readConfig(['--only', 's3'], {}))).toMatch(/declare a key provider/)
    const declared = {
      COFFER_KEY_PROVIDERS_HQ_TYPE: 'key-protect',
      COFFER_KEY_PROVIDERS_HQ_URL: 'https://kms.example',
      COFFER_KEY_PROVIDERS_HQ_API_KEY: SECRET,
    }
    expect(await refusal(() => readConfig(['--only', 's3'], declared))).toMatch(/COFFER_S3_SERVICE_ROOT_KEY/)
  })
})
