import {
  AbortMultipartUploadCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  NoSuchKey,
  NotFound,
  paginateListObjectsV2,
  type S3Client,
} from '@aws-sdk/client-s3'
import { hashOf } from '../../support/content.ts'
import { FLEETING, hashOfVersion, type KeyState, type Model, type ModelKey, type ModelVersion } from './model.ts'

const AT_ONCE = 8
const SAMPLE = 40

interface Listed {
  readonly lengthBytes: number
  readonly etag: string
}

export interface CheckResult {
  readonly violations: readonly string[]
  readonly objects: number
  readonly bytes: number
}

/**
 * Holds what the server shows against the model: every key is in a state that the model allows, its bytes are those of
 * that state, and the listing says what the HEADs say. The state found becomes the only possible one.
 */
export async function check(
  client: S3Client,
  model: Model,
  buckets: readonly string[],
  versionsAtLeast = SAMPLE,
): Promise<CheckResult> {
  const violations: string[] = []
  let [objects, bytes] = [0, 0]
  const listings = new Map<string, Map<string, Listed>>()
  for (const bucket of buckets) listings.set(bucket, await list(client, bucket))
  const known = new Map(model.keys().map((one) => [`${one.bucket}/${one.key}`, one]))
  for (const [bucket, listing] of listings) {
    for (const key of listing.keys())
      if (!known.has(`${bucket}/${key}`)) violations.push(`${bucket}/${key} was never written`)
  }
  await forEach([...known.values()], async (one) => {
    const listed = listings.get(one.bucket)?.get(one.key)
    const found = await find(client, one, listed)
    violations.push(...found.violations)
    model.acknowledge(one.bucket, one.key, found.state)
    if (found.state === undefined) return
    objects++
    bytes += found.state.lengthBytes
  })
  await forEach(sample(model.versions(), versionsAtLeast), async (one) => {
    violations.push(...(await findVersion(client, one)))
  })
  return { violations, objects, bytes }
}

/** Of the versions, the latest and some of the others: there are more each round. */
function sample<T>(all: readonly T[], count: number): readonly T[] {
  const step = Math.max(1, Math.floor(all.length / count))
  return all.filter((_, index) => index >= all.length - count || index % step === 0)
}

async function findVersion(client: S3Client, one: ModelVersion): Promise<readonly string[]> {
  const { bucket, key, versionId, version } = one
  try {
    const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key, VersionId: versionId }))
    const got = await hashOf((await Body?.transformToByteArray()) ?? new Uint8Array())
    if (got.hash === hashOfVersion(version)) return []
    return [`${bucket}/${key}: the ${got.lengthBytes} bytes of version ${versionId} are not those of ${version.seed}`]
  } catch (error) {
    return [`${bucket}/${key}: version ${versionId} (${version.seed}) cannot be read: ${String(error)}`]
  }
}

async function find(
  client: S3Client,
  { bucket, key, possible }: ModelKey,
  listed: Listed | undefined,
): Promise<{ readonly state: KeyState; readonly violations: readonly string[] }> {
  const say = (what: string): string =>
    `${bucket}/${key}: ${what}; possible: ${JSON.stringify(possible.map((state) => state ?? null))}`
  try {
    const head = await headOf(client, bucket, key)
    if (head === undefined) {
      const violations = [
        ...(listed === undefined || key.startsWith(FLEETING) ? [] : [say('listed, but HEAD says 404')]),
        ...(possible.includes(undefined) ? [] : [say('lost')]),
      ]
      return { state: undefined, violations }
    }
    const { lengthBytes } = head
    const ofSeed = possible.filter((one) => one?.seed === head.seed)
    // What was appended to is longer, and of the same seed.
    const state = ofSeed.find((one) => one?.lengthBytes === lengthBytes) ?? ofSeed[0]
    if (state === undefined)
      return { state: undefined, violations: [say(`holds ${head.seed}, which is none of the possible versions`)] }
    const violations: string[] = []
    if (listed === undefined) violations.push(say('not listed, but HEAD finds it'))
    else if (listed.lengthBytes !== head.lengthBytes || listed.etag !== head.etag)
      violations.push(say('listed otherwise than HEAD says'))
    if (head.lengthBytes !== state.lengthBytes) violations.push(say(`${head.lengthBytes} bytes long`))
    const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key }))
    const got = await hashOf((await Body?.transformToByteArray()) ?? new Uint8Array())
    if (got.hash !== hashOfVersion(state))
      violations.push(say(`the ${got.lengthBytes} bytes read are not those of ${state.seed}`))
    return { state, violations }
  } catch (error) {
    if (error instanceof NoSuchKey && key.startsWith(FLEETING)) return { state: undefined, violations: [] }
    return { state: possible.at(-1), violations: [say(`cannot be read: ${String(error)}`)] }
  }
}

async function headOf(
  client: S3Client,
  bucket: string,
  key: string,
): Promise<(Listed & { readonly seed: string }) | undefined> {
  try {
    const head = await client.send(new HeadObjectCommand({ Bucket: bucket, Key: key }))
    return { lengthBytes: head.ContentLength ?? -1, etag: head.ETag ?? '', seed: head.Metadata?.['seed'] ?? '' }
  } catch (error) {
    if (error instanceof NotFound) return undefined
    throw error
  }
}

async function list(client: S3Client, bucket: string): Promise<Map<string, Listed>> {
  const listing = new Map<string, Listed>()
  for await (const page of paginateListObjectsV2({ client, pageSize: 100 }, { Bucket: bucket })) {
    for (const one of page.Contents ?? [])
      listing.set(one.Key ?? '', { lengthBytes: one.Size ?? -1, etag: one.ETag ?? '' })
  }
  return listing
}

/** Uploads that a crash left open are legitimate: they can be gone on with. Here they are given up. */
export async function abortUploads(client: S3Client, bucket: string): Promise<number> {
  for (let aborted = 0; ; ) {
    const { Uploads: uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket: bucket }))
    if (uploads.length === 0) return aborted
    for (const { Key, UploadId } of uploads) {
      await client.send(new AbortMultipartUploadCommand({ Bucket: bucket, Key, UploadId }))
      aborted++
    }
  }
}

async function forEach<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const queue = items.values()
  const worker = async (): Promise<void> => {
    for (const item of queue) await work(item)
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
}
