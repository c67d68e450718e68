import { randomBytes } from 'node:crypto'
import { readFile, rm } from 'node:fs/promises'
import { PutBucketPolicyCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { mainAccount, writeBootstrapFile } from '../support/bootstrap.ts'
import { freePort } from '../support/free-port.ts'
import { fillStore } from '../support/full-store.ts'
import { keyOwner } from '../support/keys.ts'
import { createUpload, sendPart } from '../support/multipart.ts'
import { ownCommand } from '../support/own-command.ts'
import { queryApi } from '../support/query-api.ts'
import { isDone, replicate, rule, versioned } from '../support/replication.ts'
import { makeBucket, s3ClientFor } from '../support/s3.ts'
import { startServerProcess } from '../support/server-process.ts'
import { type TemporaryDirectory, temporaryDirectory } from '../support/temporary-directory.ts'

/** What is secret, each in a place of its own. */
const secretOf = (what: string): string => `secret-${what}-${randomBytes(12).toString('hex')}`
const SECRETS = {
  content: secretOf('content'),
  packed: secretOf('packed'),
  part: secretOf('part'),
  metadata: secretOf('metadata'),
  tag: secretOf('tag'),
  type: secretOf('type'),
  policy: secretOf('policy'),
  userPolicy: secretOf('user-policy'),
  slow: secretOf('slow'),
  replicated: secretOf('replicated'),
  keyName: secretOf('key-name'),
} as const

let home: TemporaryDirectory
/** What the server gave: access keys, and of its own choice. */
const given: string[] = []
beforeAll(async () => {
  home = await temporaryDirectory()
})
afterAll(() => home[Symbol.asyncDispose]())

async function fill(): Promise<void> {
  const s3Port = await freePort()
  const { accessKeyId, secretAccessKey } = mainAccount.user
  await using server = await startServerProcess({
    ...{ dataDir: home.join('data'), s3Port },
    bootstrapFile: await writeBootstrapFile(home.join('bootstrap.json'), [mainAccount]),
    settings: {
      COFFER_S3_THREADS: '2',
      COFFER_STORAGE_CLASSES: `GLACIER=${home.join('slow')}`,
      COFFER_S3_REPLICATION_TARGETS: `dr=http://127.0.0.1:${s3Port}?kind=coffer&bytes=sealed`,
      COFFER_S3_REPLICATION_CREDENTIALS: `dr=${accessKeyId}:${secretAccessKey}`,
      COFFER_KMS_ROTATE_INTERVAL_MS: '0',
      COFFER_LOG_LEVEL: 'warn',
    },
  })
  await fillStore(server, { large: false })
  const s3 = s3ClientFor({ s3Url: server.s3Url, ...mainAccount.user })
  const owner = await keyOwner(server.controlUrl)
  const { id, crn } = await owner.newKey(SECRETS.keyName)
  await makeBucket(s3, 'secrets', crn)
  const put = (Key: string, secret: string, more: object = {}) =>
    s3.send(new PutObjectCommand({ Bucket: 'secrets', Key, Body: secret, ...more }))
  await put('large', SECRETS.content.repeat(6000))
  await put('packed', SECRETS.packed, { Metadata: { m: SECRETS.metadata }, Tagging: `t=${SECRETS.tag}` })
  await put('typed', 'x', { ContentType: `text/${SECRETS.type}` })
  await put('slow', SECRETS.slow.repeat(3000), { StorageClass: 'GLACIER' })
  // One upload that is never completed.
  const place = { s3, bucket: 'secrets' }
  const upload = await createUpload(place, 'unfinished')
  await sendPart(place, 'unfinished', upload, 1, Buffer.from(SECRETS.part.repeat(100)))
  const Statement = [
    { Sid: SECRETS.policy.replaceAll('-', ''), Effect: 'Deny', Principal: '*', Action: 's3:PutObjectAcl' },
  ].map((one) => ({ ...one, Resource: 'arn:aws:s3:::secrets/*' }))
  const Policy = JSON.stringify({ Version: '2012-10-17', Statement })
  await s3.send(new PutBucketPolicyCommand({ Bucket: 'secrets', Policy }))
  const iam = queryApi(server.s3Url, 'iam')
  await iam('CreateUser', { UserName: 'of-the-secrets' })
  given.push((await iam('CreateAccessKey', { UserName: 'of-the-secrets' })).text('SecretAccessKey'))
  const PolicyDocument = JSON.stringify({
    ...{ Version: '2012-10-17' },
    Statement: [{ Sid: SECRETS.userPolicy.replaceAll('-', ''), Effect: 'Allow', Action: 's3:*', Resource: '*' }],
  })
  await iam('PutUserPolicy', { UserName: 'of-the-secrets', PolicyName: 'p', PolicyDocument })
  // Sealed as they are, to a bucket of this very store.
  for (const bucket of ['from', 'replicas']) await versioned(s3, bucket)
  await replicate(s3, 'from', rule('arn:coffer:s3::dr:replicas'))
  await s3.send(new PutObjectCommand({ Bucket: 'from', Key: 'a', Body: SECRETS.replicated.repeat(500) }))
  await isDone(s3, 'from', 'a')
  await owner.act(id, 'rotate')
  await owner.call('POST', '/admin/v1/buckets/secrets/rewrap')
  await owner.call('POST', '/admin/v1/scrub')
  s3.destroy()
  await server.stop()
}

const canaries = (): readonly string[] =>
  [...Object.values(SECRETS), ...given, mainAccount.user.secretAccessKey, mainAccount.user.apiKey]
    .flatMap((secret) => [secret, secret.replaceAll('-', '')])
    .flatMap((secret) => ['--canary', secret])

async function findsNothing(dataDir: string): Promise<void> {
  const classes = ['--class', `GLACIER=${home.join('slow')}`]
  const report = home.join('report.json')
  await rm(report, { force: true })
  const args = ['prove', dataDir, ...classes, ...canaries(), '--key-file', home.join('data.key'), '--sample', '1000']
  const { status, out, err } = await ownCommand([...args, '--report', report])
  const { problems, findings, rows } = JSON.parse(await readFile(report, 'utf8')).report
  expect([problems, findings.filter((one: { severity: string }) => one.severity === 'problem'), err]).toEqual([
    0,
    [],
    '',
  ])
  expect([status, out === '']).toEqual([0, false])
  expect(rows.filter((row: { what: string }) => row.what === 'not known')).toEqual([])
}

describe('A directory of all that a server can do, in two threads,', () => {
  it('holds nothing but ciphertext and what is in clear by design', async () => {
    await fill()
    await findsNothing(home.join('data'))
  })
})
