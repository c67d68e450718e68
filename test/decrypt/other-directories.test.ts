import { cp, rename, writeFile } from 'node:fs/promises'
import { PassThrough } from 'node:stream'
import { PutBucketReplicationCommand, PutBucketVersioningCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { describe, expect, it } from 'vitest'
import { decryptCommand } from '../../src/decrypt/command.ts'
import { mainAccount, writeBootstrapFile } from '../support/bootstrap.ts'
import { runCommand } from '../support/coffer-command.ts'
import { contentBytes } from '../support/content.ts'
import { freePort } from '../support/free-port.ts'
import { keyOwner } from '../support/keys.ts'
import { startObjectHouse } from '../support/object-house.ts'
import { isDone, rule } from '../support/replication.ts'
import { makeBucket, s3ClientFor } from '../support/s3.ts'
import { startServerProcess } from '../support/server-process.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

async function decrypt(...args: readonly string[]) {
  const [out, err] = [new PassThrough(), new PassThrough()]
  const texts = [out, err].map(async (stream) => Buffer.concat(await stream.toArray()))
  const status = await decryptCommand(args, { out, err })
  out.end()
  err.end()
  const [output, errors] = await Promise.all(texts)
  return { status, out: output ?? Buffer.alloc(0), err: String(errors) }
}
const { keyProtectInstance: _, ...withoutKeys } = mainAccount
const { accessKeyId, secretAccessKey } = mainAccount.user

describe('coffer decrypt', () => {
  it('opens a store that is sealed under a passphrase', async () => {
    const COFFER_INSTANCE_PASSPHRASE = 'naïve café passphrase'
    await using test = await startObjectHouse({ settings: { COFFER_INSTANCE_PASSPHRASE } })
    await test.put('a', contentBytes('a', 100_000))
    await test.stop()
    const file = `${test.directory}/passphrase`
    await writeFile(file, `${COFFER_INSTANCE_PASSPHRASE.normalize('NFD')}\n`)
    const run = await decrypt('get', test.dataDir, 'objects/a', '--passphrase-file', file)
    expect([run.status, run.out.equals(contentBytes('a', 100_000))]).toEqual([0, true])
    expect(await decrypt('list', test.dataDir)).toMatchObject({ status: 3, err: expect.stringContaining('passphrase') })
    await writeFile(file, 'not that passphrase')
    expect((await decrypt('list', test.dataDir, '--passphrase-file', file)).status).toBe(2)
  })

  it('opens what a killed server had acknowledged, out of the logs that it left', async () => {
    await using home = await temporaryDirectory()
    const bootstrapFile = await writeBootstrapFile(home.join('bootstrap.json'), [mainAccount])
    const server = await startServerProcess({ dataDir: home.join('data'), bootstrapFile })
    const s3 = s3ClientFor({ s3Url: server.s3Url, accessKeyId, secretAccessKey })
    await makeBucket(s3, 'objects')
    const put = (Key: string, size: number) =>
      s3.send(new PutObjectCommand({ Bucket: 'objects', Key, Body: contentBytes(Key, size) }))
    for (const size of [0, 1, 65_536, 65_537, 2_000_000]) await put(`of ${size}`, size)
    await put('of 1', 1)
    const live = await decrypt('list', home.join('data'))
    expect(live.err).toContain(`process ${server.pid}`)
    await server.kill()
    for (const size of [0, 1, 65_536, 65_537, 2_000_000]) {
      const run = await decrypt('get', home.join('data'), `objects/of ${size}`)
      expect([run.status, run.err, run.out.equals(contentBytes(`of ${size}`, size))]).toEqual([0, '', true])
    }
    s3.destroy()
  })

  it('opens a replica that another store sealed, with the key of that one and not without', async () => {
    const port = await freePort()
    await using source = await startObjectHouse({
      settings: {
        COFFER_S3_REPLICATION_TARGETS: `dr=http://127.0.0.1:${port}?kind=coffer&bytes=sealed`,
        COFFER_S3_REPLICATION_CREDENTIALS: `dr=${accessKeyId}:${secretAccessKey}`,
      },
    })
    await using there = await startObjectHouse({
      settings: { COFFER_S3_LISTEN: `127.0.0.1:${port}` },
      accounts: [withoutKeys],
    })
    const { crn } = await (await keyOwner(source.controlUrl)).newKey('of the customer')
    await makeBucket(source.s3, 'sealed', crn)
    await makeBucket(there.s3, 'replicas')
    const VersioningConfiguration = { Status: 'Enabled' } as const
    await source.s3.send(new PutBucketVersioningCommand({ Bucket: 'sealed', VersioningConfiguration }))
    await there.s3.send(new PutBucketVersioningCommand({ Bucket: 'replicas', VersioningConfiguration }))
    const Rules = [rule('arn:coffer:s3::dr:replicas')]
    await source.s3.send(
      new PutBucketReplicationCommand({ Bucket: 'sealed', ReplicationConfiguration: { Role: undefined, Rules } }),
    )
    const bytes = contentBytes('replicated', 150_000)
    await source.s3.send(new PutObjectCommand({ Bucket: 'sealed', Key: 'object', Body: bytes }))
    await isDone(source.s3, 'sealed', 'object')
    await there.stop()
    await source.stop()
    const alone = await decrypt('get', there.dataDir, 'replicas/object')
    expect(alone).toMatchObject({ status: 3, err: expect.stringContaining(crn) })
    // The root key is the source's, what seals the replica at its destination is not.
    const kms = await decrypt('get', there.dataDir, 'replicas/object', '--kms', source.dataDir)
    expect(kms.status).toBe(3)
    const { out } = await decrypt('wrapped', source.dataDir, 'sealed/object')
    const asked: { ciphertext: string }[] = String(out)
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
    const { openDataDirectory } = await import('../../src/decrypt/data-directory.ts')
    const { findObject } = await import('../../src/decrypt/objects.ts')
    const none = { materials: [], unwrapped: new Map(), customerKeys: [], classes: new Map() }
    const opened = openDataDirectory(source.dataDir, { instance: {}, ...none })
    const bucket = opened.bucket('sealed')
    const dek = bucket.unwrap(findObject(opened.rows, bucket, 'object').wrapped, 'the data key')
    opened.close()
    const given = asked.map(({ ciphertext }) => JSON.stringify({ ciphertext, plaintext: dek.toString('base64') }))
    await writeFile(`${there.directory}/unwrapped`, given.join('\n'))
    const run = await decrypt('get', there.dataDir, 'replicas/object', '--unwrapped', `${there.directory}/unwrapped`)
    expect([run.status, run.out.equals(bytes)]).toEqual([0, true])
  })

  it('opens with a key bundle, where instance key and root keys are gone', async () => {
    await using test = await startObjectHouse()
    const { crn } = await (await keyOwner(test.controlUrl)).newKey('of the customer')
    await makeBucket(test.s3, 'managed', crn)
    await test.s3.send(new PutObjectCommand({ Bucket: 'managed', Key: 'a', Body: contentBytes('a', 5000) }))
    await test.stop()
    const file = (name: string) => `${test.directory}/${name}`
    await writeFile(file('passphrase'), 'a passphrase of the bundle alone\n', { mode: 0o600 })
    const settings = { COFFER_DATA_DIR: test.dataDir }
    const made = await runCommand(
      ['keys', 'backup', '--out', file('bundle'), '--passphrase-file', file('passphrase')],
      settings,
    )
    expect(made.status).toBe(0)
    await rename(`${test.dataDir}.key`, file('gone.key'))
    await rename(`${test.dataDir}/kms`, file('gone'))
    const bundle = ['--bundle', file('bundle'), '--bundle-passphrase-file', file('passphrase')]
    const run = await decrypt('get', test.dataDir, 'managed/a', ...bundle)
    expect([run.status, run.out.equals(contentBytes('a', 5000))]).toEqual([0, true])
    expect(await decrypt('get', test.dataDir, 'managed/a', ...bundle.slice(0, 2))).toMatchObject({ status: 2 })
    await writeFile(file('passphrase'), 'another passphrase')
    const wrong = await decrypt('get', test.dataDir, 'managed/a', ...bundle)
    expect(wrong).toMatchObject({ status: 2, err: expect.stringContaining('is not the one') })
  })

  it('says when the store is not what it was', async () => {
    await using test = await startObjectHouse()
    await test.put('a', 'x')
    await test.stop()
    const copy = `${test.directory}/copy`
    await cp(test.dataDir, copy, { recursive: true })
    await rename(`${copy}/metadata/CURRENT`, `${copy}/metadata/LOST`)
    const lost = await decrypt('list', copy, '--key-file', `${test.dataDir}.key`)
    expect(lost).toMatchObject({ status: 1, err: expect.stringContaining('CURRENT') })
    // Keys that are damaged keep nobody from what they are not needed for.
    await rename(`${test.dataDir}/kms/CURRENT`, `${test.dataDir}/kms/LOST`)
    const list = await decrypt('list', test.dataDir)
    expect(list).toMatchObject({ status: 0, err: expect.stringContaining('▲ the root keys') })
    expect(String(list.out)).toContain('objects/a')
    expect(await decrypt('get', test.dataDir, 'objects/a')).toMatchObject({ status: 3 })
  })
})
