import { encodeList } from '../base/bytes.ts'
import type { BucketKeys } from './bucket-keys.ts'
import { type Bucket, currentOf } from './buckets.ts'
import type { Engine } from './engine.ts'
import { openTags, type Tag } from './object-properties.ts'
import type { UploadRecord } from './records.ts'

/** What the request that began an upload said of the object, for whoever is asked about its parts. */
export interface SaidOfUpload {
  /** By lower-case name. Undefined: the upload is of an earlier release, which did not note them. */
  readonly headers: Readonly<Record<string, string>> | undefined
  readonly tags: readonly Tag[]
}

interface Begun {
  /** Identity of its envelope. */
  readonly id: Buffer
  readonly bucket: Bucket
  readonly key: string
}

const aad = ({ bucket, key, id }: Begun): Buffer => encodeList(['OEF1/said', bucket.id, key, id])

/** Asks for the bucket metadata key only when there is something to seal. */
export async function sealSaid(
  keys: BucketKeys,
  upload: Begun,
  headers: Readonly<Record<string, string>>,
): Promise<NonNullable<UploadRecord['said']>> {
  if (Object.keys(headers).length === 0) return 'nothing'
  using cipher = await keys.summaryCipher(upload.bucket)
  return cipher.seal(aad(upload), Buffer.from(JSON.stringify(Object.entries(headers)), 'utf8'))
}

/** Needs the root key: throws the key provider's codes. */
export async function saidOfUpload(
  engine: Engine,
  keys: BucketKeys,
  upload: Begun & { readonly record: UploadRecord },
): Promise<SaidOfUpload> {
  const { key, id, record } = upload
  const { said, properties } = record
  if (!Buffer.isBuffer(said) && !properties.sealedTags) {
    return { headers: said === 'nothing' ? {} : undefined, tags: [] }
  }
  const bucket = currentOf(engine.buckets)(upload.bucket)
  using cipher = await keys.summaryCipher(bucket)
  const tags = openTags(cipher, bucket, key, id, properties)
  if (!Buffer.isBuffer(said)) return { headers: said === 'nothing' ? {} : undefined, tags }
  // What authenticates was written above.
  const entries: [string, string][] = JSON.parse(cipher.open(aad(upload), said).toString('utf8'))
  return { headers: Object.fromEntries(entries), tags }
}
