import type { CompletedPart } from '@aws-sdk/client-s3'
import { identityHeaders } from '../../api/s3/replication/replica-headers.ts'
import type { PartToSend } from '../../objects/replication/parts.ts'
import type { ReplicationTarget } from '../../objects/replication/target.ts'
import { checkEtag, isMissing, isNotFound, isRefusal } from './answers.ts'
import { changeReplica } from './change-replica.ts'
import type { DeclaredTarget, TargetCredentials } from './declared-targets.ts'
import { AS_SEALED_HEADERS } from './inputs.ts'
import {
  DEFAULT_LIMITS,
  FURTHER_HEADERS,
  furtherHeaders,
  openTargetClient,
  type TargetClient,
  type TargetLimits,
} from './s3-client.ts'
import { sendBody } from './send-body.ts'
import { openedShipment, type Shipment, sealedShipment } from './shipment.ts'

const ABORT_MS = 10_000

/** Replicas at an S3 endpoint elsewhere. */
export function s3Target(
  declared: DeclaredTarget,
  credentials: TargetCredentials,
  limits: TargetLimits = DEFAULT_LIMITS,
): ReplicationTarget {
  let opened: Promise<TargetClient> | undefined
  const client = (): Promise<TargetClient> => {
    opened ??= openTargetClient(declared, credentials, limits)
    return opened
  }
  /** Nothing lasts for ever, however little of it comes at a time. */
  const within = (signal: AbortSignal, bytes = 0): AbortSignal =>
    AbortSignal.any([signal, AbortSignal.timeout(limits.answerMs + Math.ceil((bytes / limits.bytesPerSecond) * 1000))])
  const keepsIds = declared.kind === 'coffer'
  const { sealed } = declared

  return {
    keepsIds,
    put: async (replica, to, stop) => {
      const open = await client()
      const signal = within(stop, replica.manifest.sizeBytes)
      const place = { Bucket: to.bucket, Key: replica.key }
      if (keepsIds && (await isThere(open, { ...place, VersionId: replica.versionId }, sealed, signal))) {
        return replica.versionId
      }
      const shipment = await (sealed ? sealedShipment : openedShipment)(replica, to, keepsIds)
      const sending = { ...open, place, shipment, signal }
      return shipment.parts ? putParts(sending, shipment.parts) : putWhole(sending)
    },
    putMarker: async (marker, to, stop) => {
      const { sdk, client: s3 } = await client()
      const abortSignal = within(stop)
      const place = { Bucket: to.bucket, Key: marker.key }
      // What is to be hidden would be gone.
      if (!keepsIds && !(await keepsVersions({ sdk, client: s3 }, place, abortSignal))) return
      const command = new sdk.DeleteObjectCommand(place)
      if (keepsIds) command.middlewareStack.add(furtherHeaders(identityHeaders(marker)), FURTHER_HEADERS)
      await s3.send(command, { abortSignal })
    },
    change: async (versionId, properties, to, stop) => {
      const place = { Bucket: to.bucket, Key: properties.key, ...(versionId === '' ? {} : { VersionId: versionId }) }
      try {
        return await changeReplica(await client(), place, properties, within(stop))
      } catch (error) {
        if (!isMissing(error)) throw error
        return properties.held
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
    return (await client.send(command, { abortSignal })).VersionId === place.VersionId
  } catch (error) {
    // An id of another form is none that there could be.
    if (isRefusal(error)) return false
    throw error
  }
}

/** As far as the object tells. */
async function keepsVersions({ sdk, client }: TargetClient, place: Place, abortSignal: AbortSignal): Promise<boolean> {
  try {
    const { VersionId } = await client.send(new sdk.HeadObjectCommand(place), { abortSignal })
    return VersionId !== undefined && VersionId !== 'null'
  } catch (error) {
    if (!isNotFound(error)) throw error
    return true
  }
}

const sum = ({ takesSum }: Shipment) => (takesSum ? ({ ChecksumAlgorithm: 'CRC32' } as const) : {})

async function putWhole({ sdk, client, place, shipment, signal: abortSignal }: Sending): Promise<string> {
  const { lengthBytes, upload, whole, end } = shipment
  const answer = await sendBody(shipment.read, { start: 0, end: lengthBytes }, abortSignal, async (Body, signal) => {
    const command = new sdk.PutObjectCommand({ ...place, ...sum(shipment), ContentLength: lengthBytes, Body })
    command.middlewareStack.add(furtherHeaders({ ...upload, ...whole, ...end }), FURTHER_HEADERS)
    return await client.send(command, { abortSignal: signal })
  })
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
    const answer = await client.send(complete, { abortSignal })
    checkEtag(answer)
    return answer.VersionId ?? ''
  } catch (error) {
    // Not with the signal: that may be why.
    const abort = new sdk.AbortMultipartUploadCommand(upload)
    await client.send(abort, { abortSignal: AbortSignal.timeout(ABORT_MS) }).catch(() => undefined)
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
  const known = checksum !== undefined && algorithm !== undefined
  const answer = await sendBody(shipment.read, part, abortSignal, async (Body, signal) => {
    const named = { ...upload, ...sum(shipment), PartNumber, ContentLength: end - start }
    const command = new sdk.UploadPartCommand({ ...named, Body })
    if (known)
      command.middlewareStack.add(furtherHeaders({ [`x-amz-checksum-${algorithm}`]: checksum }), FURTHER_HEADERS)
    return await client.send(command, { abortSignal: signal })
  })
  const done = { PartNumber, ETag: answer.ETag }
  if (known) return { ...done, [`Checksum${algorithm.toUpperCase()}`]: checksum }
  return shipment.takesSum ? { ...done, ChecksumCRC32: answer.ChecksumCRC32 } : done
}
