import { Readable } from 'node:stream'
import type { CompletedPart } from '@aws-sdk/client-s3'
import { createHasher, type Hasher } from '../../base/checksums.ts'
import type { ReplicationDestination } from '../../objects/replication/configuration.ts'
import { type PartToSend, partsToSend } from '../../objects/replication/parts.ts'
import type { Replica, ReplicaProperties, ReplicationTarget } from '../../objects/replication/target.ts'
import { checkEtag, isMissing, isRefusal } from './answers.ts'
import type { DeclaredTarget, TargetCredentials } from './declared-targets.ts'
import { checksumHeaders, identityHeaders, partChecksumHeaders, retentionOf, uploadHeaders } from './inputs.ts'
import { FURTHER_HEADERS, furtherHeaders, openTargetClient, type TargetClient } from './s3-client.ts'

/** S3's least size of all parts but the last. */
const MIN_PART_BYTES = 5 * 1024 ** 2

/** Replicas at an S3 endpoint elsewhere. */
export function s3Target(declared: DeclaredTarget, credentials: TargetCredentials): ReplicationTarget {
  let opened: Promise<TargetClient> | undefined
  const client = (): Promise<TargetClient> => {
    opened ??= openTargetClient(declared, credentials)
    return opened
  }
  const keepsIds = declared.kind === 'coffer'

  return {
    put: async (replica, to, signal) => {
      const sending = { ...(await client()), replica, to, keepsIds, signal }
      if (keepsIds && (await isThere(sending))) return replica.versionId
      const parts = partsToSend(replica.manifest, MIN_PART_BYTES)
      return parts ? putParts(sending, parts) : putWhole(sending)
    },
    putMarker: async (marker, to, abortSignal) => {
      const { sdk, client: s3 } = await client()
      const command = new sdk.DeleteObjectCommand({ Bucket: to.bucket, Key: marker.key })
      if (keepsIds) command.middlewareStack.add(furtherHeaders(identityHeaders(marker)), FURTHER_HEADERS)
      await s3.send(command, { abortSignal })
    },
    change: async (versionId, properties, to, signal) => {
      const place = { Bucket: to.bucket, Key: properties.key, ...(versionId === '' ? {} : { VersionId: versionId }) }
      try {
        await change(await client(), place, properties, signal)
      } catch (error) {
        if (!isMissing(error)) throw error
      }
    },
    isRefusal,
  }
}

interface Sending extends TargetClient {
  readonly replica: Replica
  readonly to: ReplicationDestination
  readonly keepsIds: boolean
  readonly signal: AbortSignal
}

const placeOf = ({ replica, to }: Sending) => ({ Bucket: to.bucket, Key: replica.key })
const identity = ({ replica, keepsIds }: Sending) => (keepsIds ? identityHeaders(replica) : {})

async function isThere(sending: Sending): Promise<boolean> {
  const { sdk, client, replica, signal: abortSignal } = sending
  try {
    const place = { ...placeOf(sending), VersionId: replica.versionId }
    await client.send(new sdk.HeadObjectCommand(place), { abortSignal })
    return true
  } catch (error) {
    // An id of another form is none that there could be.
    if (isRefusal(error)) return false
    throw error
  }
}

async function putWhole(sending: Sending): Promise<string> {
  const { sdk, client, replica, to, signal: abortSignal } = sending
  const { sizeBytes, etag } = replica.manifest
  const md5 = createHasher('md5')
  const plain = /^[0-9a-f]{32}$/.test(etag) ? { ContentMD5: Buffer.from(etag, 'hex').toString('base64') } : {}
  const command = new sdk.PutObjectCommand({
    ...{ ...placeOf(sending), ...plain, ContentLength: sizeBytes },
    Body: bodyOf(replica, { start: 0, end: sizeBytes }, md5),
  })
  const headers = { ...uploadHeaders(replica, to), ...checksumHeaders(replica), ...identity(sending) }
  command.middlewareStack.add(furtherHeaders(headers), FURTHER_HEADERS)
  const answer = await client.send(command, { abortSignal })
  checkEtag(answer, md5.digest())
  return answer.VersionId ?? ''
}

async function putParts(sending: Sending, parts: readonly PartToSend[]): Promise<string> {
  const { sdk, client, replica, to, signal: abortSignal } = sending
  const create = new sdk.CreateMultipartUploadCommand(placeOf(sending))
  // Of other parts than those of the object, a checksum of checksums is another one.
  const checksum = replica.manifest.parts.length === parts.length ? partChecksumHeaders(replica) : {}
  create.middlewareStack.add(furtherHeaders({ ...uploadHeaders(replica, to), ...checksum }), FURTHER_HEADERS)
  const { UploadId } = await client.send(create, { abortSignal })
  const upload = { ...placeOf(sending), UploadId }
  try {
    const done: CompletedPart[] = []
    for (const part of parts) done.push(await putPart(sending, upload, part))
    const complete = new sdk.CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts: done } })
    complete.middlewareStack.add(furtherHeaders(identity(sending)), FURTHER_HEADERS)
    return (await client.send(complete, { abortSignal })).VersionId ?? ''
  } catch (error) {
    // Not with the signal: that may be why.
    await client.send(new sdk.AbortMultipartUploadCommand(upload)).catch(() => undefined)
    throw error
  }
}

async function putPart(
  { sdk, client, replica, signal: abortSignal }: Sending,
  upload: { readonly Bucket: string; readonly Key: string; readonly UploadId: string | undefined },
  part: PartToSend,
) {
  const { number: PartNumber, start, end, checksum } = part
  const md5 = createHasher('md5')
  const Body = bodyOf(replica, part, md5)
  const command = new sdk.UploadPartCommand({ ...upload, PartNumber, ContentLength: end - start, Body })
  const { algorithm = 'crc32' } = replica.manifest.checksum ?? {}
  const headers = checksum === undefined ? {} : { [`x-amz-checksum-${algorithm}`]: checksum }
  command.middlewareStack.add(furtherHeaders(headers), FURTHER_HEADERS)
  const answer = await client.send(command, { abortSignal })
  checkEtag(answer, md5.digest())
  return {
    PartNumber,
    ETag: answer.ETag,
    ...(checksum === undefined ? {} : { [`Checksum${algorithm.toUpperCase()}`]: checksum }),
  }
}

/** Read no faster than it is sent. */
function bodyOf({ read }: Replica, range: { readonly start: number; readonly end: number }, md5: Hasher): Readable {
  async function* hashed(): AsyncGenerator<Buffer> {
    for await (const chunk of read(range)) {
      md5.update(chunk)
      yield chunk
    }
  }
  return Readable.from(hashed(), { highWaterMark: 1 })
}

async function change(
  { sdk, client }: TargetClient,
  place: { readonly Bucket: string; readonly Key: string; readonly VersionId?: string },
  properties: ReplicaProperties,
  abortSignal: AbortSignal,
): Promise<void> {
  const { tags, lock } = properties
  const TagSet = tags.map(({ key: Key, value: Value }) => ({ Key, Value }))
  if (TagSet.length === 0) await client.send(new sdk.DeleteObjectTaggingCommand(place), { abortSignal })
  else await client.send(new sdk.PutObjectTaggingCommand({ ...place, Tagging: { TagSet } }), { abortSignal })
  const Retention = retentionOf(properties)
  if (Retention) await client.send(new sdk.PutObjectRetentionCommand({ ...place, Retention }), { abortSignal })
  if (lock?.legalHold === undefined) return
  const LegalHold = { Status: lock.legalHold ? 'ON' : 'OFF' } as const
  await client.send(new sdk.PutObjectLegalHoldCommand({ ...place, LegalHold }), { abortSignal })
}
