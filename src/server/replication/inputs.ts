import { isUtf8 } from 'node:buffer'
import { AS_SEALED, REPLICA_SEALED_SIZE } from '../../api/s3/replication/replica-headers.ts'
import { writtenHeaders } from '../../api/s3/replication/written-headers.ts'
import type { ReplicationDestination } from '../../objects/replication/configuration.ts'
import type { Replica, ReplicaProperties } from '../../objects/replication/target.ts'

type Headers = Readonly<Record<string, string>>

export const AS_SEALED_HEADERS: Headers = { [AS_SEALED]: 'true' }

/** Of what is sent sealed, for whoever brings it back: another S3 keeps nothing else of it. */
export const sealedHeaders = ({ versionId, modifiedAtMs, manifest }: Replica, keepsIds: boolean): Headers =>
  keepsIds
    ? { [REPLICA_SEALED_SIZE]: String(manifest.sizeBytes) }
    : {
        'content-type': 'application/octet-stream',
        'x-amz-meta-coffer-version-id': versionId,
        'x-amz-meta-coffer-modified-ms': String(modifiedAtMs),
        'x-amz-meta-coffer-sealed-size': String(manifest.sizeBytes),
      }

/** What an upload says of the content, at once or in parts: as it was stored, byte for byte. */
export function contentHeaders({ manifest }: Replica): Headers {
  const metadata = Object.entries(manifest.userMetadata).map(([name, value]) => [`x-amz-meta-${name}`, value] as const)
  // Else the client would say one of its own.
  const all = { 'content-type': 'binary/octet-stream', ...definedOf(manifest.headers), ...Object.fromEntries(metadata) }
  return Object.fromEntries(Object.entries(all).map(([name, value]) => [name, asText(value)]))
}

/** Stored is a character for each byte; the client takes text, and sends it as UTF-8. What is none, S3 tells as of RFC 2047. */
function asText(value: string): string {
  const bytes = Buffer.from(value, 'latin1')
  if (isUtf8(bytes)) return bytes.toString('utf8')
  return `=?UTF-8?B?${Buffer.from(value, 'utf8').toString('base64')}?=`
}

/** What it says of the version that its bytes do not depend on. */
export function propertyHeaders(
  { tags, lock, algorithm }: Replica,
  { keyName, storageClass }: ReplicationDestination,
): Headers {
  const wrapped = algorithm !== 'AES256' && keyName !== undefined
  return writtenHeaders({ tags, lock, storageClass, ...(wrapped ? { algorithm, keyName } : {}) })
}

const definedOf = (headers: Readonly<Record<string, string | undefined>>): Headers =>
  Object.fromEntries(Object.entries(headers).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])))

/** The checksum of the whole, where it can stay what it is. */
export function checksumHeaders({ manifest: { checksum } }: Replica): Headers {
  if (checksum?.type !== 'FULL_OBJECT') return {}
  return { [`x-amz-checksum-${checksum.algorithm}`]: checksum.value }
}

/** Of an upload in the parts that the object has. */
export function partChecksumHeaders({ manifest: { checksum } }: Replica): Headers {
  if (!checksum) return {}
  return {
    'x-amz-checksum-algorithm': checksum.algorithm.toUpperCase(),
    'x-amz-checksum-type': checksum.type,
  }
}

export const retentionOf = ({ lock }: ReplicaProperties) =>
  lock?.mode === undefined || lock.retainUntilMs === undefined
    ? undefined
    : { Mode: lock.mode, RetainUntilDate: new Date(lock.retainUntilMs) }
