import type { ReplicaOf } from '../../../objects/replication/replica.ts'
import { S3Error } from '../error-codes.ts'
import type { S3Action } from '../operation.ts'
import type { S3Request } from '../request.ts'

/** What a Coffer says of a version that it replicates: it keeps its id and its time. */
export const REPLICA_VERSION = 'x-coffer-replica-version-id'
export const REPLICA_MODIFIED = 'x-coffer-replica-modified-ms'

/** Of what is sent sealed: size of the plaintext. */
export const REPLICA_SEALED_SIZE = 'x-coffer-replica-sealed-size'
/** Of a read: a sealed replica itself, and not what it holds. */
export const AS_SEALED = 'x-coffer-replica-sealed'

const MAX_ID_LENGTH = 1024

type Headers = Pick<S3Request, 'headers'>

/** Of a request that brings one: it keeps its id and its time. */
export const identityHeaders = ({
  versionId,
  modifiedAtMs,
}: Pick<ReplicaOf, 'versionId' | 'modifiedAtMs'>): Readonly<Record<string, string>> => ({
  [REPLICA_VERSION]: versionId,
  [REPLICA_MODIFIED]: String(modifiedAtMs),
})

/** Undefined: what is written is no replica. */
export function replicaOf({ headers }: Headers): ReplicaOf | undefined {
  const versionId = headers.get(REPLICA_VERSION)
  const modified = headers.get(REPLICA_MODIFIED)
  if (!isReplica({ headers })) return undefined
  if (versionId === undefined || versionId === '' || versionId.length > MAX_ID_LENGTH) throw wrong(REPLICA_VERSION)
  if (modified === undefined || !/^\d{1,15}$/.test(modified)) throw wrong(REPLICA_MODIFIED)
  const sealedSize = headers.get(REPLICA_SEALED_SIZE)
  if (sealedSize !== undefined && !/^\d{1,15}$/.test(sealedSize)) throw wrong(REPLICA_SEALED_SIZE)
  const replica = { versionId, modifiedAtMs: Number(modified) }
  return sealedSize === undefined ? replica : { ...replica, sealedSizeBytes: Number(sealedSize) }
}

const NAMES = [REPLICA_VERSION, REPLICA_MODIFIED, REPLICA_SEALED_SIZE]
const isReplica = ({ headers }: Headers): boolean => NAMES.some((name) => headers.has(name))

export function asSealed({ headers }: Headers): boolean {
  const value = headers.get(AS_SEALED)
  if (value === undefined || value === 'true') return value === 'true'
  throw new S3Error('InvalidArgument', undefined, { extra: { ArgumentName: AS_SEALED, ArgumentValue: value } })
}

/** Beside the right to read it. */
export const asSealedNeeds = ({ headers }: Headers): readonly S3Action[] =>
  headers.has(AS_SEALED) ? ['s3:GetObjectVersionForReplication'] : []

/** Beside the right to write it. */
export const replicaNeeds = (request: Headers): readonly S3Action[] =>
  isReplica(request) ? ['s3:ReplicateObject'] : []
export const replicaMarkerNeeds = (request: Headers): readonly S3Action[] =>
  isReplica(request) ? ['s3:ReplicateDelete'] : []

const wrong = (name: string): S3Error =>
  new S3Error('InvalidArgument', `Of a replica ${REPLICA_VERSION} and ${REPLICA_MODIFIED} are both given.`, {
    extra: { ArgumentName: name },
  })
