import {
  GetBucketCorsCommand,
  GetBucketEncryptionCommand,
  GetBucketLifecycleConfigurationCommand,
  GetBucketPolicyCommand,
  GetBucketTaggingCommand,
  GetBucketVersioningCommand,
  GetObjectAttributesCommand,
  GetObjectCommand,
  GetObjectLegalHoldCommand,
  GetObjectLockConfigurationCommand,
  GetObjectRetentionCommand,
  GetObjectTaggingCommand,
  ListBucketsCommand,
  ListMultipartUploadsCommand,
  ListObjectVersionsCommand,
  ListPartsCommand,
  type S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3'
import { mainAccount } from './bootstrap.ts'
import { sendConfig } from './bucket-config.ts'
import { hashOf } from './content.ts'
import { iamToken } from './control-api.ts'
import { CUSTOMER_KEY_HEADERS, type ServerAddress } from './full-store.ts'
import { keyOwner } from './keys.ts'
import { queryApi } from './query-api.ts'
import { s3ClientFor } from './s3.ts'

/**
 * All that clients can learn of a store, as JSON: of every version its bytes (SHA-256) and what is said of it, of every
 * upload its parts, of every bucket its settings, and keys, policies and identities. Two stores with equal portraits answer alike.
 */
export async function portraitOf(server: ServerAddress): Promise<Record<string, unknown>> {
  const s3 = s3ClientFor({ s3Url: server.s3Url, ...mainAccount.user })
  try {
    const { Buckets = [] } = await s3.send(new ListBucketsCommand({}))
    const buckets: Record<string, unknown> = {}
    for (const { Name = '', CreationDate } of Buckets) {
      buckets[Name] = { created: CreationDate?.toISOString(), ...(await bucketOf(s3, Name, server)) }
    }
    return { buckets, control: await controlOf(server), identities: await identitiesOf(server) }
  } finally {
    s3.destroy()
  }
}

async function bucketOf(s3: S3Client, Bucket: string, server: ServerAddress): Promise<Record<string, unknown>> {
  const bucket = { Bucket }
  const { Versions = [], DeleteMarkers = [] } = await s3.send(new ListObjectVersionsCommand(bucket))
  const versions: unknown[] = []
  for (const { Key = '', VersionId, Size, IsLatest, LastModified, ETag } of Versions) {
    const listed = { Key, VersionId, Size, IsLatest, LastModified: LastModified?.toISOString(), ETag }
    versions.push({ ...listed, ...(await versionOf(s3, { Bucket, Key, VersionId })) })
  }
  const markers = DeleteMarkers.map(({ Key, VersionId, IsLatest }) => ({ Key, VersionId, IsLatest }))
  const { Uploads = [] } = await s3.send(new ListMultipartUploadsCommand(bucket))
  const uploads: unknown[] = []
  for (const { Key, UploadId } of Uploads) {
    const { Parts = [] } = await s3.send(new ListPartsCommand({ Bucket, Key, UploadId }))
    uploads.push({ Key, UploadId, parts: Parts.map(({ PartNumber, Size, ETag }) => ({ PartNumber, Size, ETag })) })
  }
  const config = await sendConfig(server.controlUrl, Bucket, await iamToken(server.controlUrl))
  return {
    ...{ versions, markers, uploads },
    config: lasting(config.body),
    policy: await said(() => s3.send(new GetBucketPolicyCommand(bucket))),
    tags: await said(() => s3.send(new GetBucketTaggingCommand(bucket))),
    cors: await said(() => s3.send(new GetBucketCorsCommand(bucket))),
    lifecycle: await said(() => s3.send(new GetBucketLifecycleConfigurationCommand(bucket))),
    encryption: await said(() => s3.send(new GetBucketEncryptionCommand(bucket))),
    versioning: await said(() => s3.send(new GetBucketVersioningCommand(bucket))),
    lock: await said(() => s3.send(new GetObjectLockConfigurationCommand(bucket))),
  }
}

interface VersionAddress {
  readonly Bucket: string
  readonly Key: string
  readonly VersionId: string | undefined
}

async function versionOf(s3: S3Client, version: VersionAddress): Promise<Record<string, unknown>> {
  const keyed = version.Key.startsWith('sse-c') ? { ...version, ...CUSTOMER_KEY_HEADERS } : version
  const ObjectAttributes = ['Checksum', 'ObjectParts', 'StorageClass', 'ObjectSize'] as const
  return {
    content: await said(async () => {
      const { Body, $metadata: _, ...head } = await s3.send(new GetObjectCommand(keyed))
      return { ...head, ...(await hashOf((await Body?.transformToByteArray()) ?? new Uint8Array())) }
    }),
    attributes: await said(() =>
      s3.send(new GetObjectAttributesCommand({ ...keyed, ObjectAttributes: [...ObjectAttributes] })),
    ),
    tags: await said(() => s3.send(new GetObjectTaggingCommand(version))),
    retention: await said(() => s3.send(new GetObjectRetentionCommand(version))),
    hold: await said(() => s3.send(new GetObjectLegalHoldCommand(version))),
  }
}

/** The answer, or the code of the error: that something is refused belongs to the portrait. */
async function said(ask: () => Promise<object>): Promise<unknown> {
  try {
    const { $metadata: _, ...answer } = Object.fromEntries(Object.entries(await ask()))
    return JSON.parse(JSON.stringify(answer))
  } catch (error) {
    if (error instanceof S3ServiceException) return `${error.$metadata.httpStatusCode} ${error.name}`
    throw error
  }
}

async function controlOf({ controlUrl }: ServerAddress): Promise<Record<string, unknown>> {
  const owner = await keyOwner(controlUrl)
  const account = mainAccount.id
  const ask = async (path: string): Promise<unknown> => {
    const { status, json } = await owner.call('GET', path)
    return { status, json: lasting(json) }
  }
  const { json: keys } = await owner.call('GET', '/api/v2/keys?state=0,1,2,3,5')
  const versions: Record<string, unknown> = {}
  for (const { id } of keys.resources ?? []) versions[id] = await ask(`/api/v2/keys/${id}/versions`)
  return {
    keys: lasting(keys),
    versions,
    rings: await ask('/api/v2/key_rings'),
    alias: await ask('/api/v2/keys/payroll/metadata'),
    registrations: await ask('/api/v2/keys/registrations'),
    authorizations: await ask(`/v1/policies?account_id=${account}&type=authorization`),
    access: await ask(`/v1/policies?account_id=${account}&type=access`),
    serviceIds: await ask(`/v1/serviceids?account_id=${account}`),
    apiKeys: await ask(`/v1/apikeys?account_id=${account}&scope=account`),
  }
}

async function identitiesOf({ s3Url }: ServerAddress): Promise<Record<string, unknown>> {
  const iam = queryApi(s3Url, 'iam')
  const asked = [
    ['ListUsers', {}],
    ['GetUserPolicy', { UserName: 'anna', PolicyName: 'read' }],
    ['ListGroupsForUser', { UserName: 'anna' }],
    ['ListRoles', {}],
    ['ListPolicies', { Scope: 'Local' }],
  ] as const
  const answers: Record<string, unknown> = {}
  for (const [action, parameters] of asked) {
    const { status, body } = await iam(action, parameters)
    answers[action] = { status, body: body.replace(/<RequestId>[^<]*<\/RequestId>/, '') }
  }
  return answers
}

/** What tells the address of the server, or of the moment. */
const PASSING: ReadonlySet<string> = new Set([
  ...['context', 'href', 'first', 'etag', 'last_authn', 'authn_count'],
  // Of a deleted key, by now.
  ...['purgeAllowed', 'restoreAllowed'],
  // Of a refusal: its code stays, its words may get better.
  ...['message', 'errorMsg'],
])

/** Without what differs between two equal answers: passing members, and the order of lists. */
export function lasting(value: unknown): unknown {
  if (Array.isArray(value)) {
    const members = value.map(lasting)
    return members.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))
  }
  if (typeof value !== 'object' || value === null) return value
  const members = Object.entries(value).filter(([name]) => !PASSING.has(name))
  return Object.fromEntries(members.map(([name, member]) => [name, lasting(member)]))
}
