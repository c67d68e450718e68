import { identityHeaders } from '../../api/s3/replication/replica-headers.ts'
import type { ReplicationDestination } from '../../objects/replication/configuration.ts'
import { evenParts, type PartToSend, partsToSend } from '../../objects/replication/parts.ts'
import type { Replica } from '../../objects/replication/target.ts'
import { checksumHeaders, contentHeaders, partChecksumHeaders, propertyHeaders, sealedHeaders } from './inputs.ts'

type Headers = Readonly<Record<string, string>>

/** What is sent of a version, and how. */
export interface Shipment {
  readonly lengthBytes: number
  readonly read: Replica['read']
  /** Undefined: in one piece. */
  readonly parts: readonly PartToSend[] | undefined
  /** Of PutObject and CreateMultipartUpload. */
  readonly upload: Headers
  /** Of PutObject alone, and of CreateMultipartUpload alone. */
  readonly whole: Headers
  readonly inParts: Headers
  /** Of PutObject and CompleteMultipartUpload: what the version becomes. */
  readonly end: Headers
  /** Of the checksums that parts have. */
  readonly algorithm: string | undefined
  /** The client takes a checksum of its own: what is locked must have one, and nothing else is known of the bytes. */
  readonly takesSum: boolean
}

/** S3's least size of all parts but the last, and its largest of one piece. */
const MIN_PART_BYTES = 5 * 1024 ** 2
const MAX_WHOLE_BYTES = 5 * 1024 ** 3

export function openedShipment(replica: Replica, to: ReplicationDestination, keepsIds: boolean): Shipment {
  const { manifest, read, lock } = replica
  const parts = partsToSend(manifest, MIN_PART_BYTES)
  // Of other parts than those of the object, a checksum of checksums is another one.
  const known = parts === undefined || parts.length === manifest.parts.length ? manifest.checksum : undefined
  const isMd5 = /^[0-9a-f]{32}$/.test(manifest.etag)
  const md5: Headers = isMd5 ? { 'content-md5': Buffer.from(manifest.etag, 'hex').toString('base64') } : {}
  const sums = checksumHeaders(replica)
  const isChecked = parts ? known !== undefined : isMd5 || Object.keys(sums).length > 0
  return {
    ...{ lengthBytes: manifest.sizeBytes, read, parts, algorithm: known?.algorithm },
    upload: { ...contentHeaders(replica), ...propertyHeaders(replica, to) },
    whole: { ...md5, ...sums },
    inParts: known ? partChecksumHeaders(replica) : {},
    end: keepsIds ? identityHeaders(replica) : {},
    takesSum: lock !== undefined && !isChecked,
  }
}

/** Nobody there learns more than name, size, tags and lock. */
export async function sealedShipment(
  replica: Replica,
  to: ReplicationDestination,
  keepsIds: boolean,
): Promise<Shipment> {
  const { lengthBytes, read } = await replica.sealed()
  const told = sealedHeaders(replica, keepsIds)
  return {
    ...{ lengthBytes, read, parts: lengthBytes > MAX_WHOLE_BYTES ? evenParts(lengthBytes) : undefined },
    upload: { ...propertyHeaders(replica, to), ...(keepsIds ? {} : told) },
    ...{ whole: {}, inParts: {}, algorithm: undefined, takesSum: true },
    end: keepsIds ? { ...identityHeaders(replica), ...told } : {},
  }
}
