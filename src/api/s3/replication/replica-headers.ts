import type { ReplicaOf } from '../../../objects/replication/replica.ts'
import { S3Error } from '../error-codes.ts'
import type { S3Action } from '../operation.ts'
import type { S3Request } from '../request.ts'

/** What a Coffer says of a version that it replicates: it keeps its id and its time. */
export const REPLICA_VERSION = 'x-coffer-replica-version-id'
export const REPLICA_MODIFIED = 'x-coffer-replica-modified-ms'

const MAX_ID_LENGTH = 1024

type Headers = Pick<S3Request, 'headers'>

/** Undefined: what is written is no replica. */
export function replicaOf({ headers }: Headers): ReplicaOf | undefined {
  const versionId = headers.get(REPLICA_VERSION)
  const modified = headers.get(REPLICA_MODIFIED)
  if (versionId === undefined && modified === undefined) return undefined
  if (versionId === undefined || versionId === '' || versionId.length > MAX_ID_LENGTH) throw wrong(REPLICA_VERSION)
  if (modified === undefined || !/^\d{1,15}$/.test(modified)) throw wrong(REPLICA_MODIFIED)
  return { versionId, modifiedAtMs: Number(modified) }
}

const isReplica = ({ headers }: Headers): boolean => headers.has(REPLICA_VERSION) || headers.has(REPLICA_MODIFIED)

/** Beside the right to write it. */
export const replicaNeeds = (request: Headers): readonly S3Action[] =>
  isReplica(request) ? ['s3:ReplicateObject'] : []
export const replicaMarkerNeeds = (request: Headers): readonly S3Action[] =>
  isReplica(request) ? ['s3:ReplicateDelete'] : []

const wrong = (name: string): S3Error =>
  new S3Error('InvalidArgument', `Of a replica ${REPLICA_VERSION} and ${REPLICA_MODIFIED} are both given.`, {
    extra: { ArgumentName: name },
  })
