import { cp, readdir } from 'node:fs/promises'
import { GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { mainAccount, writeBootstrapFile } from '../support/bootstrap.ts'
import { createRootKey, iamToken } from '../support/control-api.ts'
import { endedServer } from '../support/ended-server.ts'
import { type KeysHalf, startKeysHalf } from '../support/keys-half.ts'
import { makeBucket, s3ClientFor } from '../support/s3.ts'
import { startServerProcess } from '../support/server-process.ts'
import { type TemporaryDirectory, temporaryDirectory } from '../support/temporary-directory.ts'

let home: TemporaryDirectory
let half: KeysHalf
let bootstrapFile: string
beforeAll(async () => {
  home = await temporaryDirectory()
  half = await startKeysHalf({ directory: home.path })
  bootstrapFile = await writeBootstrapFile(home.join('bootstrap.json'), [mainAccount])
})
afterAll(async () => {
  await half[Symbol.asyncDispose]()
  await home[Symbol.asyncDispose]()
})

const partsOf = async (directory: string) =>
  (await readdir(directory)).filter((name) => ['iam', 'kms', 'metadata', 'blobs'].includes(name)).sort()
const apart = (dataDir: string) => ({ dataDir, bootstrapFile, settings: half.settings })

describe('The keys half', () => {
  it('has keys and identities, no S3 and no store of objects', async () => {
    const { server } = half
    expect(server.output()).toMatch(/^Coffer serves the console on \S+\/ui\/, Key Protect and IAM on \S+, from /m)
    expect(await partsOf(server.dataDir)).toEqual(['iam', 'kms'])
    await expect(fetch(server.s3Url)).rejects.toThrow()
    expect((await createRootKey(server.controlUrl, 'key')).crn).toMatch(/^crn:v1:bluemix:public:kms:/)
  })

  it('prints at its first start what its users need, and nothing of S3', async () => {
    await using server = await startServerProcess({ dataDir: home.join('first'), settings: { COFFER_ONLY: 'kms' } })
    expect(server.output()).toMatch(/export IBMCLOUD_API_KEY=\w{20,}/)
    expect(server.output()).toContain('export KP_INSTANCE_ID=')
    expect(server.output()).not.toMatch(/AWS_|aws s3/)
  })
})

describe('The objects half', () => {
  it('has S3 and identities, and no keys', async () => {
    await using server = await startServerProcess(apart(home.join('objects')))
    expect(server.output()).toMatch(/^Coffer serves S3 on \S+, the console on \S+\/ui\/, IAM on \S+, from /m)
    expect(await partsOf(server.dataDir)).toEqual(['blobs', 'iam', 'metadata'])
    const token = await iamToken(server.controlUrl)
    const headers = { authorization: `Bearer ${token}`, 'bluemix-instance': mainAccount.keyProtectInstance }
    expect((await fetch(`${server.controlUrl}/api/v2/keys`, { headers })).status).toBe(404)
    const s3 = s3ClientFor({ s3Url: server.s3Url, ...mainAccount.user })
    await makeBucket(s3, 'bucket')
    await s3.send(new PutObjectCommand({ Bucket: 'bucket', Key: 'key', Body: 'text' }))
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: 'bucket', Key: 'key' }))
    expect(await Body?.transformToString()).toBe('text')
  })

  it('does not start without a key provider, or without a root key for buckets that name none', async () => {
    const bare = await endedServer({ COFFER_DATA_DIR: home.join('bare'), COFFER_ONLY: 's3' })
    expect([bare.exitCode, bare.output]).toEqual([9, expect.stringMatching(/declare a key provider/)])
    const { COFFER_S3_SERVICE_ROOT_KEY: _, ...keyless } = half.settings
    const without = await endedServer({ COFFER_DATA_DIR: home.join('bare'), ...keyless })
    expect([without.exitCode, without.output]).toEqual([9, expect.stringMatching(/COFFER_S3_SERVICE_ROOT_KEY/)])
  })
})

describe('The data directory', () => {
  it('of one half is refused by the other and by the whole, and not touched', async () => {
    await (await startServerProcess(apart(home.join('mine')))).stop()
    await cp(half.server.dataDir, home.join('keys-copy'), {
      recursive: true,
      filter: (path) => !/(LOCK|\.lock|\.sock)$/.test(path),
    })
    await cp(`${half.server.dataDir}.key`, home.join('keys-copy.key'))
    for (const [dataDir, settings, missing] of [
      [home.join('mine'), { COFFER_ONLY: 'kms' }, 'kms/'],
      [home.join('mine'), {}, 'kms/'],
      [home.join('keys-copy'), half.settings, 'metadata/'],
      [home.join('keys-copy'), {}, 'metadata/'],
    ] as const) {
      const before = await partsOf(dataDir)
      const { exitCode, output } = await endedServer({ COFFER_DATA_DIR: dataDir, ...settings })
      expect([exitCode, output]).toEqual([1, expect.stringContaining(`${missing} is missing`)])
      expect(await partsOf(dataDir)).toEqual(before)
    }
  }, 120_000)

  it('of the whole is opened by either half: taken apart, copies of it go on with the same buckets and keys', async () => {
    const whole = await startServerProcess({ dataDir: home.join('whole'), bootstrapFile })
    const { crn } = await createRootKey(whole.controlUrl, 'moved')
    const ofWhole = s3ClientFor({ s3Url: whole.s3Url, ...mainAccount.user })
    await makeBucket(ofWhole, 'moved', crn)
    await ofWhole.send(new PutObjectCommand({ Bucket: 'moved', Key: 'key', Body: 'sealed before' }))
    await whole.stop()
    for (const name of ['keys', 'objects-of-whole']) {
      await cp(home.join('whole'), home.join(name), { recursive: true })
      await cp(home.join('whole.key'), home.join(`${name}.key`))
    }
    await using keys = await startServerProcess({ ...apart(home.join('keys')), settings: { COFFER_ONLY: 'kms' } })
    await using objects = await startServerProcess({
      ...apart(home.join('objects-of-whole')),
      settings: { ...half.settings, COFFER_KEY_PROVIDERS_ELSEWHERE_URL: keys.controlUrl },
    })
    const s3 = s3ClientFor({ s3Url: objects.s3Url, ...mainAccount.user })
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: 'moved', Key: 'key' }))
    expect(await Body?.transformToString()).toBe('sealed before')
  }, 60_000)
})

describe('A whole server with a key provider besides', () => {
  it('serves each bucket by the provider that the CRN of its root key names', async () => {
    const { COFFER_ONLY: _, COFFER_S3_SERVICE_ROOT_KEY: serviceKey, ...provider } = half.settings
    const otherKeys = { ...mainAccount, keyProtectInstance: '11111111-0000-4000-8000-00000000000a' }
    await using server = await startServerProcess({
      dataDir: home.join('both'),
      bootstrapFile: await writeBootstrapFile(home.join('both.json'), [otherKeys]),
      settings: provider,
    })
    const local = await createRootKey(server.controlUrl, 'here', otherKeys)
    const remote = await createRootKey(half.server.controlUrl, 'there')
    const s3 = s3ClientFor({ s3Url: server.s3Url, ...mainAccount.user })
    for (const [Bucket, crn] of [['here', local.crn], ['there', remote.crn], ['managed']] as const) {
      await makeBucket(s3, Bucket, crn)
      await s3.send(new PutObjectCommand({ Bucket, Key: 'key', Body: Bucket }))
    }
    const text = async (Bucket: string) =>
      (await s3.send(new GetObjectCommand({ Bucket, Key: 'key' }))).Body?.transformToString()
    for (const bucket of ['here', 'there', 'managed']) expect(await text(bucket)).toBe(bucket)
    expect(serviceKey).toBeDefined()
    await half.restart(async () => {
      await expect
        .poll(() => text('there').catch((error: Error) => error.name), { timeout: 5000 })
        .toBe('ServiceUnavailable')
      for (const bucket of ['here', 'managed']) expect(await text(bucket)).toBe(bucket)
    })
  }, 60_000)
})
