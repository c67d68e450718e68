import { randomUUID } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { ListBucketsCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createLogger } from '../../src/observe/logger.ts'
import { openHouse } from '../../src/server/compose.ts'
import { readConfig } from '../../src/server/config.ts'
import { exitCode, explain } from '../../src/server/explain.ts'
import { bootstrapOf, mainAccount, type TestAccount } from '../support/bootstrap.ts'
import { createRootKey, iamToken } from '../support/control-api.ts'
import { endedServer } from '../support/ended-server.ts'
import { makeBucket, s3ClientFor } from '../support/s3.ts'
import { type ServerProcess, startServerProcess } from '../support/server-process.ts'
import { type TemporaryDirectory, temporaryDirectory } from '../support/temporary-directory.ts'

let home: TemporaryDirectory
beforeAll(async () => {
  home = await temporaryDirectory()
})
afterAll(() => home[Symbol.asyncDispose]())

const other: TestAccount = {
  id: '22222222222222222222222222222222',
  name: 'other',
  objectStorageInstance: '22222222-0000-4000-8000-000000000001',
  user: {
    iamId: 'IBMid-other',
    name: 'Other user',
    email: 'other@example.com',
    accessKeyId: 'TESTOTHERACCESSKEY01',
    secretAccessKey: 'test-other-secret-access-key-0123456789abc',
    apiKey: 'test-other-api-key-0123456789abcdef012345678',
  },
}

const bucketsOf = async ({ s3Url }: ServerProcess, user: TestAccount['user']) => {
  const { Buckets: buckets = [] } = await s3ClientFor({ s3Url, ...user }).send(new ListBucketsCommand({}))
  return buckets.map(({ Name: name }) => name)
}

const write = async (document: unknown): Promise<string> => {
  const path = home.join('bootstrap.json')
  await writeFile(path, typeof document === 'string' ? document : JSON.stringify(document), { mode: 0o600 })
  return path
}

describe('the bootstrap file', () => {
  it('is applied at every start: the same changes nothing, a changed secret replaces, new accounts are added', async () => {
    const dataDir = home.join('data')
    const start = async (accounts: readonly TestAccount[]) =>
      startServerProcess({ dataDir, bootstrapFile: await write(bootstrapOf(accounts)) })
    {
      await using server = await start([mainAccount])
      await makeBucket(s3ClientFor({ s3Url: server.s3Url, ...mainAccount.user }), 'provider-managed')
      // The declared authorization lets object storage use the key.
      const { crn } = await createRootKey(server.controlUrl, 'root')
      const client = s3ClientFor({ s3Url: server.s3Url, ...mainAccount.user })
      await makeBucket(client, 'customer-managed', crn)
      await client.send(new PutObjectCommand({ Bucket: 'customer-managed', Key: 'key', Body: 'body' }))
      await server.stop()
    }
    {
      await using server = await start([mainAccount])
      expect(await bucketsOf(server, mainAccount.user)).toEqual(['customer-managed', 'provider-managed'])
      expect(await iamToken(server.controlUrl)).toMatch(/^ey/)
      await server.stop()
    }
    const changed = { ...mainAccount.user, secretAccessKey: 'another-secret-access-key-0123456789abcdef' }
    await using server = await start([{ ...mainAccount, user: changed }, other])
    expect(await bucketsOf(server, changed)).toEqual(['customer-managed', 'provider-managed'])
    await expect(bucketsOf(server, mainAccount.user)).rejects.toMatchObject({ name: 'SignatureDoesNotMatch' })
    expect(await bucketsOf(server, other.user)).toEqual([])
  })

  const conflicting = { ...other, objectStorageInstance: mainAccount.objectStorageInstance }
  const stolen = { ...other, user: { ...other.user, accessKeyId: mainAccount.user.accessKeyId } }
  const [account] = (bootstrapOf([mainAccount]) as { accounts: readonly Record<string, unknown>[] }).accounts
  it.each<readonly [string, unknown, RegExp]>([
    ['is not there', undefined, /cannot be read \(ENOENT/],
    ['is not JSON', `{ "accounts": [ { "secretAccessKey": ${mainAccount.user.secretAccessKey} } ] }`, /is not JSON/],
    [
      'is not JSON further down',
      '{\n"accounts": [\n\n  { "id": "x" "name": "y" }\n\n\n]}\n',
      /is not JSON: see line 4/,
    ],
    ['is not JSON at its first word', 'accounts:\n- id: x\n', /is not JSON: see line 1/],
    ['ends too early', `{ "accounts": [ { "secretAccessKey": "${mainAccount.user.secretAccessKey}`, /is not JSON/],
    [
      'has an unknown member',
      { accounts: [{ ...account, colour: 'red' }] },
      /accounts\[0\]\.colour: is not a known member/,
    ],
    [
      'has an unknown member deep inside',
      {
        accounts: [
          { ...account, users: [{ iamId: 'a', name: 'b', hmac: [{ accessKeyId: 'a', secretAccessKey: 'b', c: 1 }] }] },
        ],
      },
      /accounts\[0\]\.users\[0\]\.hmac\[0\]\.c: is not a known member/,
    ],
    [
      'has a bad value',
      { accounts: [account, { ...account, id: 'XYZ' }] },
      /accounts\[1\]\.id: must be 32 lower-case hex digits/,
    ],
    ['is an array', [], /the document: /],
    [
      'gives an instance to two accounts',
      bootstrapOf([mainAccount, conflicting]),
      /accounts\[1\]\.instances\[0\]: instance .* exists as/,
    ],
    [
      'gives an access key id to two users',
      bootstrapOf([mainAccount, stolen]),
      /accounts\[1\]\.users\[0\]\.hmac\[0\]: access key id .* belongs to another user/,
    ],
    [
      'authorises an instance that nobody has',
      {
        ...bootstrapOf([mainAccount]),
        authorizations: [
          {
            source: { service: 'cloud-object-storage', instance: other.objectStorageInstance },
            target: { service: 'kms', instance: mainAccount.keyProtectInstance },
            roles: ['Reader'],
          },
        ],
      },
      /authorizations\[0\]\.source: there is no/,
    ],
  ])('that %s ends the start with 9 and says where', async (_, document, message) => {
    const path = document === undefined ? home.join('none.json') : await write(document)
    const error = await openHouse({
      config: readConfig([], { COFFER_DATA_DIR: home.join(randomUUID()), COFFER_BOOTSTRAP_FILE: path }),
      log: createLogger('silent'),
      onStoreFailure: () => {},
    }).catch((reason: unknown) => reason)
    expect(exitCode(error)).toBe(9)
    const output = explain(error)
    expect(output).toMatch(message)
    expect(output).toMatch(/^[^\n]* {2}\[BootstrapInvalid\]$/)
    // Neither secrets nor pieces of them, such as an error message of the JSON parser would quote.
    expect(output).not.toMatch(/test-(main|other)|secret-access|api-key/)
  })

  it('that is bad ends a process with 9 and one line', async () => {
    const documents = [
      `{ "accounts": [ { "secretAccessKey": ${mainAccount.user.secretAccessKey} } ] }`,
      { accounts: [{ ...account, colour: 'red' }] },
      bootstrapOf([mainAccount, conflicting]),
    ]
    for (const document of documents) {
      const ended = await endedServer({
        COFFER_DATA_DIR: home.join('bad'),
        COFFER_BOOTSTRAP_FILE: await write(document),
      })
      expect(ended.exitCode).toBe(9)
      expect(ended.output).toMatch(/^✕ [^\n]*(see line 1|accounts\[\d\])[^\n]* {2}\[BootstrapInvalid\]\n$/)
      expect(ended.output).not.toMatch(/test-(main|other)|secret-access|api-key/)
    }
  })

  it('that others may read is taken, with a warning', async () => {
    const path = home.join('open.json')
    await writeFile(path, JSON.stringify(bootstrapOf([mainAccount])), { mode: 0o644 })
    await using server = await startServerProcess({ dataDir: home.join('open'), bootstrapFile: path })
    expect(server.output()).toMatch(/open\.json holds secrets and may be read by others: chmod 600/)
  })
})
