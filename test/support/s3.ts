import { Agent } from 'node:https'
import {
  CreateBucketCommand,
  DeleteObjectsCommand,
  ListObjectVersionsCommand,
  PutBucketEncryptionCommand,
  paginateListObjectsV2,
  S3Client,
  type ServerSideEncryptionRule,
} from '@aws-sdk/client-s3'

export interface S3Access {
  readonly s3Url: string
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly region?: string
  /** Of an endpoint with TLS. PEM. */
  readonly ca?: string
}

/** The AWS SDK pointed at a test server. No retries, so that an error shows itself. */
export function s3ClientFor(access: S3Access, options: { readonly maxAttempts?: number } = {}): S3Client {
  return new S3Client({
    endpoint: access.s3Url,
    region: access.region ?? 'us-east-1',
    credentials: { accessKeyId: access.accessKeyId, secretAccessKey: access.secretAccessKey },
    forcePathStyle: true,
    maxAttempts: options.maxAttempts ?? 1,
    ...(access.ca === undefined
      ? {}
      : { requestHandler: { httpsAgent: new Agent({ ca: access.ca, keepAlive: true }) } }),
  })
}

/** With `rootKeyCrn` the bucket is sealed under that key of the customer's. */
export async function makeBucket(client: S3Client, bucket: string, rootKeyCrn?: string): Promise<void> {
  const command = new CreateBucketCommand({ Bucket: bucket })
  if (rootKeyCrn !== undefined) {
    command.middlewareStack.add(
      (next) => async (args) => {
        const { request } = args
        if (typeof request === 'object' && request !== null && 'headers' in request) {
          Object.assign(request.headers ?? {}, {
            'ibm-sse-kp-encryption-algorithm': 'AES256',
            'ibm-sse-kp-customer-root-key-crn': rootKeyCrn,
          })
        }
        return next(args)
      },
      { step: 'build', name: 'customerRootKey' },
    )
  }
  await client.send(command)
}

/** New buckets take no keys of customers (SSE-C) until somebody says so. */
export async function takeCustomerKeys(client: S3Client, bucket: string): Promise<void> {
  const rule: ServerSideEncryptionRule = { BlockedEncryptionTypes: { EncryptionType: ['NONE'] } }
  const ServerSideEncryptionConfiguration = { Rules: [rule] }
  await client.send(new PutBucketEncryptionCommand({ Bucket: bucket, ServerSideEncryptionConfiguration }))
}

/** Every key of the bucket, in the order of the listing. */
export async function keysOf(client: S3Client, bucket: string): Promise<string[]> {
  const keys: string[] = []
  for await (const page of paginateListObjectsV2({ client }, { Bucket: bucket })) {
    for (const { Key: key } of page.Contents ?? []) if (key !== undefined) keys.push(key)
  }
  return keys
}

/** Versions and delete markers go, too. */
export async function emptyBucket(client: S3Client, bucket: string): Promise<void> {
  for (;;) {
    const { Versions: versions = [], DeleteMarkers: markers = [] } = await client.send(
      new ListObjectVersionsCommand({ Bucket: bucket }),
    )
    const objects = [...versions, ...markers].map(({ Key, VersionId }) => ({ Key, VersionId }))
    if (objects.length === 0) return
    await client.send(new DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects: objects, Quiet: true } }))
  }
}
