import { Readable } from 'node:stream'
import type { CompletedPart } from '@aws-sdk/client-s3'
import { createHasher, type Hasher } from '../../base/checksums.ts'
import type { PartToSend } from '../../objects/replication/parts.ts'
import type { ReplicaProperties, ReplicationTarget } from '../../objects/replication/target.ts'
import { checkEtag, isMissing, isRefusal } from './answers.ts'
import type { DeclaredTarget, TargetCredentials } from './declared-targets.ts'
import { AS_SEALED_HEADERS, identityHeaders, retentionOf } from './inputs.ts'
import { FURTHER_HEADERS, furtherHeaders, openTargetClient, type TargetClient } from './s3-client.ts'
import { openedShipment, type Shipment, sealedShipment } from './shipment.ts'

/** Replicas at an S3 endpoint elsewhere. */
export function s3Target(declared: DeclaredTarget, credentials: TargetCredentials): ReplicationTarget {
  let opened: Promise<TargetClient> | undefined
  const client = (): Promise<TargetClient> => {
    opened ??= openTargetClient(declared, credentials)
    return opened
  }
  const keepsIds = declared.kind === 'coffer'
  const { sealed } = declared

  return {
    put: async (replica, to, signal) => {
      const open = await client()
      const place = { Bucket: to.bucket, Key: replica.key }
      if (keepsIds && (await isThere(open, { ...place, VersionId: replica.versionId }, sealed, signal))) {
        return replica.versionId
      }
      const shipment = await (sealed ? sealedShipment : openedShipment)(replica, to, keepsIds)
      const sending = { ...open, place, shipment, signal }
      return shipment.parts ? putParts(sending, shipment.parts) : putWhole(sending)
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

interface Place {
  readonly Bucket: string
  readonly Key: string
}

interface Sending extends TargetClient {
  readonly place: Place
  readonly shipment: Shipment
  readonly signal: AbortSignal
}

async function isThere(
  { sdk, client }: TargetClient,
  place: Place & { readonly VersionId: string },
  sealed: boolean,
  abortSignal: AbortSignal,
): Promise<boolean> {
  try {
    const command = new sdk.HeadObjectCommand(place)
    // Whoever keeps it may have no key to open it.
    if (sealed) command.middlewareStack.add(furtherHeaders(AS_SEALED_HEADERS), FURTHER_HEADERS)
    await client.send(command, { abortSignal })
    return true
  } catch (error) {
    // An id of another form is none that there could be.
    if (isRefusal(error)) return false
    throw error
  }
}

const sum = ({ takesSum }: Shipment) => (takesSum ? ({ ChecksumAlgorithm: 'CRC32' } as const) : {})

async function putWhole({ sdk, client, place, shipment, signal: abortSignal }: Sending): Promise<string> {
  const { lengthBytes, upload, whole, end } = shipment
  const md5 = createHasher('md5')
  const Body = bodyOf(shipment, { start: 0, end: lengthBytes }, md5)
  const command = new sdk.PutObjectCommand({ ...place, ...sum(shipment), ContentLength: lengthBytes, Body })
  command.middlewareStack.add(furtherHeaders({ ...upload, ...whole, ...end }), FURTHER_HEADERS)
  const answer = await client.send(command, { abortSignal })
  checkEtag(answer, md5.digest())
  return answer.VersionId ?? ''
}

async function putParts(sending: Sending, parts: readonly PartToSend[]): Promise<string> {
  const { sdk, client, place, shipment, signal: abortSignal } = sending
  const create = new sdk.CreateMultipartUploadCommand({ ...place, ...sum(shipment) })
  create.middlewareStack.add(furtherHeaders({ ...shipment.upload, ...shipment.inParts }), FURTHER_HEADERS)
  const { UploadId } = await client.send(create, { abortSignal })
  const upload = { ...place, UploadId }
  try {
    const done: CompletedPart[] = []
    for (const part of parts) done.push(await putPart(sending, upload, part))
    const complete = new sdk.CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts: done } })
    complete.middlewareStack.add(furtherHeaders(shipment.end), FURTHER_HEADERS)
    return (await client.send(complete, { abortSignal })).VersionId ?? ''
  } catch (error) {
    // Not with the signal: that may be why.
    await client.send(new sdk.AbortMultipartUploadCommand(upload)).catch(() => undefined)
    throw error
  }
}

async function putPart(
  { sdk, client, shipment, signal: abortSignal }: Sending,
  upload: Place & { readonly UploadId: string | undefined },
  part: PartToSend,
): Promise<CompletedPart> {
  const { number: PartNumber, start, end, checksum } = part
  const { algorithm } = shipment
  const md5 = createHasher('md5')
  const Body = bodyOf(shipment, part, md5)
  const named = { ...upload, ...sum(shipment), PartNumber, ContentLength: end - start }
  const command = new sdk.UploadPartCommand({ ...named, Body })
  const known = checksum !== undefined && algorithm !== undefined
  if (known) command.middlewareStack.add(furtherHeaders({ [`x-amz-checksum-${algorithm}`]: checksum }), FURTHER_HEADERS)
  const answer = await client.send(command, { abortSignal })
  checkEtag(answer, md5.digest())
  const done = { PartNumber, ETag: answer.ETag }
  if (known) return { ...done, [`Checksum${algorithm.toUpperCase()}`]: checksum }
  return shipment.takesSum ? { ...done, ChecksumCRC32: answer.ChecksumCRC32 } : done
}

/** Read no faster than it is sent. */
function bodyOf({ read }: Shipment, range: { readonly start: number; readonly end: number }, md5: Hasher): Readable {
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
