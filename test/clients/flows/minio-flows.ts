import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { contentBytes } from '../../support/content.ts'
import { emptyBucket, s3ClientFor } from '../../support/s3.ts'
import { bucketNameFor, same } from '../check.ts'
import { type Client, missing, type Step, type Target } from '../client.ts'
import { requireFrom } from '../install.ts'
import { MINIO_PACKAGES, minioNpm, minioOptions } from '../minio-npm.ts'

/** What is used of the package beyond plain objects. */
interface Minio {
  readonly makeBucket: (bucket: string, region: string, options?: { ObjectLocking: boolean }) => Promise<void>
  readonly putObject: (
    bucket: string,
    key: string,
    content: Readable | Buffer,
    sizeBytes?: number,
    headers?: Readonly<Record<string, string>>,
  ) => Promise<{ versionId: string | null }>
  readonly getObject: (bucket: string, key: string, options?: object) => Promise<Readable>
  readonly statObject: (
    bucket: string,
    key: string,
    options?: object,
  ) => Promise<{ size: number; metaData: Record<string, string> }>
  readonly listObjects: (
    bucket: string,
    prefix: string,
    recursive: boolean,
    options?: { IncludeVersion: boolean },
  ) => AsyncIterable<{ name: string; versionId?: string; isDeleteMarker?: boolean }>
  readonly removeObject: (bucket: string, key: string, options?: object) => Promise<void>
  readonly removeObjects: (bucket: string, objects: readonly (string | object)[]) => Promise<readonly object[]>
  readonly initiateNewMultipartUpload: (bucket: string, key: string, headers: object) => Promise<string>
  readonly listIncompleteUploads: (bucket: string, prefix: string, recursive: boolean) => AsyncIterable<{ key: string }>
  readonly removeIncompleteUpload: (bucket: string, key: string) => Promise<void>
  readonly composeObject: (to: object, from: readonly object[]) => Promise<unknown>
  readonly newPostPolicy: () => {
    readonly setBucket: (bucket: string) => void
    readonly setKey: (key: string) => void
    readonly setExpires: (date: Date) => void
    readonly setContentType: (type: string) => void
    readonly setContentLengthRange: (min: number, max: number) => void
  }
  readonly presignedPostPolicy: (policy: unknown) => Promise<{ postURL: string; formData: Record<string, string> }>
  readonly setObjectTagging: (bucket: string, key: string, tags: Readonly<Record<string, string>>) => Promise<void>
  readonly getObjectTagging: (bucket: string, key: string) => Promise<readonly { Key: string; Value: string }[]>
  readonly setBucketVersioning: (bucket: string, configuration: { Status: string }) => Promise<void>
  readonly putObjectRetention: (bucket: string, key: string, retention: object) => Promise<void>
  readonly getObjectRetention: (bucket: string, key: string) => Promise<{ mode: string }>
  readonly setObjectLegalHold: (bucket: string, key: string, hold: { status: string }) => Promise<void>
  readonly getObjectLegalHold: (bucket: string, key: string) => Promise<{ Status: string }>
  readonly setBucketEncryption: (bucket: string, configuration: object) => Promise<void>
  readonly getBucketEncryption: (bucket: string) => Promise<object>
  readonly setBucketLifecycle: (bucket: string, configuration: object) => Promise<void>
  readonly getBucketLifecycle: (bucket: string) => Promise<{ Rule: { ID: string } }>
  readonly setBucketPolicy: (bucket: string, policy: string) => Promise<void>
  readonly getBucketPolicy: (bucket: string) => Promise<string>
}

interface MinioModule {
  readonly Client: new (options: object) => Minio
  readonly CopySourceOptions: new (options: object) => object
  readonly CopyDestinationOptions: new (options: object) => object
}

const MIB = 1024 * 1024

/** Streams, versions, locks and settings by the package's own calls. */
export const minioFlows: Client = {
  ...minioNpm,
  name: 'minio (npm) flows',
  connect: async (target) => ({ steps: stepsFor(target) }),
}

function stepsFor(target: Target): readonly Step[] {
  const { Client, CopySourceOptions, CopyDestinationOptions }: MinioModule = requireFrom(MINIO_PACKAGES)('minio')
  const minio = new Client(minioOptions(target))
  const neutral = s3ClientFor(target)
  const [bucket, locked] = [bucketNameFor('minio-flows'), bucketNameFor('minio-lock')]
  const bytesOf = async (key: string, options = {}): Promise<Buffer> =>
    buffer(await minio.getObject(bucket, key, options))
  const refused = async (work: Promise<unknown>, code: string): Promise<void> =>
    work.then(
      () => Promise.reject(new Error(`not refused with ${code}`)),
      (error: unknown) => same('code', error instanceof Error && 'code' in error && error.code, code),
    )

  return [
    {
      name: 'streams',
      run: async () => {
        await minio.makeBucket(bucket, target.region)
        const content = contentBytes('stream', 11 * MIB + 1)
        await minio.putObject(bucket, 'stream', Readable.from([content.subarray(0, 100), content.subarray(100)]))
        same('content', (await bytesOf('stream')).equals(content), true)
        await minio.putObject(bucket, 'headers', Buffer.from('x'), 1, {
          'Content-Type': 'text/x-flow',
          'X-Amz-Meta-Flow': '1',
        })
        const { size, metaData } = await minio.statObject(bucket, 'headers')
        same('headers', [size, metaData['content-type'], metaData['flow']], [1, 'text/x-flow', '1'])
      },
    },
    {
      name: 'unfinished uploads',
      run: async () => {
        await minio.initiateNewMultipartUpload(bucket, 'half/one', {})
        const keys = async (): Promise<string[]> =>
          (await Array.fromAsync(minio.listIncompleteUploads(bucket, 'half/', true))).map(({ key }) => key)
        same('uploads', await keys(), ['half/one'])
        await minio.removeIncompleteUpload(bucket, 'half/one')
        same('uploads', await keys(), [])
      },
    },
    {
      name: 'compose',
      run: async () => {
        // Of whole objects: the range that it sends for a second part is not the one that it was told.
        const [first, second] = [contentBytes('first', 5 * MIB), contentBytes('stream', 11 * MIB + 1)]
        await minio.putObject(bucket, 'first', first)
        const to = new CopyDestinationOptions({ Bucket: bucket, Object: 'composed', UserMetadata: { flow: '2' } })
        await minio.composeObject(
          to,
          ['first', 'stream'].map((name) => new CopySourceOptions({ Bucket: bucket, Object: name })),
        )
        same('content', (await bytesOf('composed')).equals(Buffer.concat([first, second])), true)
        same('metadata', (await minio.statObject(bucket, 'composed')).metaData['flow'], '2')
      },
    },
    {
      name: 'browser form',
      run: async () => {
        const policy = minio.newPostPolicy()
        policy.setBucket(bucket)
        policy.setKey('form')
        policy.setExpires(new Date(Date.now() + 60_000))
        policy.setContentType('text/plain')
        policy.setContentLengthRange(1, 1024)
        const { postURL, formData } = await minio.presignedPostPolicy(policy)
        const post = (content: string): Promise<Response> => {
          const form = new FormData()
          for (const [name, value] of Object.entries(formData)) form.append(name, value)
          form.append('file', new Blob([content]))
          return fetch(postURL, { method: 'POST', body: form })
        }
        same('status', (await post('from a form')).status, 204)
        same('content', `${await bytesOf('form')}`, 'from a form')
        same('too large', (await post('x'.repeat(2000))).status, 400)
      },
    },
    {
      name: 'object tags',
      run: async () => {
        await minio.setObjectTagging(bucket, 'form', { flow: 'tags' })
        same('tags', await minio.getObjectTagging(bucket, 'form'), [{ Key: 'flow', Value: 'tags' }])
      },
    },
    { name: 'bucket tags', run: missing('takes 204, which S3 answers to PutBucketTagging, for an error') },
    {
      name: 'settings',
      run: async () => {
        const rule = { ID: 'old', Status: 'Enabled', Filter: { Prefix: 'old/' }, Expiration: { Days: '1' } }
        await minio.setBucketLifecycle(bucket, { Rule: [rule] })
        same('lifecycle', (await minio.getBucketLifecycle(bucket)).Rule.ID, 'old')
        await minio.setBucketEncryption(bucket, {
          Rule: [{ ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' } }],
        })
        same('encryption', JSON.stringify(await minio.getBucketEncryption(bucket)).includes('AES256'), true)
        const Statement = [
          { Effect: 'Deny', Principal: '*', Action: 's3:GetObject', Resource: `arn:aws:s3:::${bucket}/secret/*` },
        ]
        await minio.setBucketPolicy(bucket, JSON.stringify({ Version: '2012-10-17', Statement }))
        same('policy', JSON.parse(await minio.getBucketPolicy(bucket)).Statement, Statement)
        await minio.putObject(bucket, 'secret/one', Buffer.from('x'))
        await refused(bytesOf('secret/one'), 'AccessDenied')
      },
    },
    {
      name: 'versions',
      run: async () => {
        await minio.setBucketVersioning(bucket, { Status: 'Enabled' })
        const first = await minio.putObject(bucket, 'versioned', Buffer.from('first'))
        await minio.putObject(bucket, 'versioned', Buffer.from('second'))
        await minio.removeObject(bucket, 'versioned')
        await refused(bytesOf('versioned'), 'NoSuchKey')
        same('content', `${await bytesOf('versioned', { versionId: first.versionId })}`, 'first')
        const all = await Array.fromAsync(minio.listObjects(bucket, 'versioned', true, { IncludeVersion: true }))
        same('versions', all.length, 3)
        const gone = await minio.removeObjects(
          bucket,
          all.map(({ name, versionId }) => ({ name, versionId })),
        )
        same('errors', gone.length, 0)
        const left = await Array.fromAsync(minio.listObjects(bucket, 'versioned', true, { IncludeVersion: true }))
        same('versions', left.length, 0)
      },
    },
    {
      name: 'lock',
      run: async () => {
        await minio.makeBucket(locked, target.region, { ObjectLocking: true })
        const { versionId } = await minio.putObject(locked, 'kept', Buffer.from('kept'))
        const until = new Date(Date.now() + 86_400_000).toISOString()
        await minio.putObjectRetention(locked, 'kept', { mode: 'GOVERNANCE', retainUntilDate: until, versionId })
        same('mode', (await minio.getObjectRetention(locked, 'kept')).mode, 'GOVERNANCE')
        await refused(minio.removeObject(locked, 'kept', { versionId }), 'AccessDenied')
        await minio.setObjectLegalHold(locked, 'kept', { status: 'ON' })
        same('hold', (await minio.getObjectLegalHold(locked, 'kept')).Status, 'ON')
        await refused(minio.removeObject(locked, 'kept', { versionId, governanceBypass: true }), 'AccessDenied')
        await minio.setObjectLegalHold(locked, 'kept', { status: 'OFF' })
        await minio.removeObject(locked, 'kept', { versionId, governanceBypass: true })
        await emptyBucket(neutral, bucket)
      },
    },
  ]
}
