import type { ReplicaWrite } from '../../../objects/replication/rights.ts'
import { usesOfRequest } from '../access/request-uses.ts'
import { BYPASSING } from '../lock/headers.ts'
import type { ResourceUse, S3Action, S3Operation } from '../operation.ts'
import { deleteObject } from '../operations/delete-object.ts'
import { deleteObjectTagging } from '../operations/delete-object-tagging.ts'
import { putObject } from '../operations/put-object.ts'
import { legalHoldUses, putObjectLegalHold } from '../operations/put-object-legal-hold.ts'
import { putObjectRetention, retentionUses } from '../operations/put-object-retention.ts'
import { putObjectTagging, taggingUses } from '../operations/put-object-tagging.ts'
import type { S3Request } from '../request.ts'
import type { ObjectTarget } from '../target.ts'
import { unsentRequest } from '../unsent-request.ts'
import { identityHeaders } from './replica-headers.ts'
import { writtenHeaders } from './written-headers.ts'

/** A request that nobody has sent, and all that it would do. */
export interface WriteUses {
  readonly operation: Pick<S3Operation, 'name' | 'makes' | 'alsoNeeds' | 'alsoUses'>
  readonly request: S3Request
  readonly uses: readonly ResourceUse[]
}

/** As the operations themselves say it, and S3's rights of replication besides. */
export function usesOfWrite(write: ReplicaWrite): WriteUses {
  const { operation, headers = {}, byBody } = sentBy(write)
  const versionId = 'versionId' in write ? write.versionId : undefined
  const target = { bucket: write.bucket, key: write.key, ...(versionId === undefined ? {} : { versionId }) }
  const request = unsentRequest({
    ...{ bucket: write.bucket, key: write.key, headers: new Map(Object.entries(headers)) },
    query: new Map(versionId === undefined ? [] : [['versionId', versionId]]),
  })
  const asked = usesOfRequest({ operation, request })
  const own = byBody ? [...asked.slice(1), ...byBody(target, request)] : asked
  return { operation, request, uses: [...own, ...furtherUses(write, own)] }
}

interface SentBy {
  readonly operation: S3Operation
  readonly headers?: Readonly<Record<string, string>>
  /** Of one that asks once it has read its body. */
  readonly byBody?: (target: ObjectTarget, request: S3Request) => readonly ResourceUse[]
}

function sentBy(write: ReplicaWrite): SentBy {
  switch (write.does) {
    case 'PutObject':
      return { operation: putObject, headers: { ...identityHeaders(write.replica), ...writtenHeaders(write) } }
    case 'DeleteObject':
      return { operation: deleteObject, headers: identityHeaders(write.replica) }
    case 'PutObjectTagging':
      return { operation: putObjectTagging, byBody: (target) => taggingUses(target, write.tags) }
    case 'DeleteObjectTagging':
      return { operation: deleteObjectTagging }
    case 'PutObjectRetention':
      return {
        operation: putObjectRetention,
        headers: write.bypassGovernance ? BYPASSING : {},
        byBody: (target, request) => retentionUses(target, write.retention, request),
      }
    case 'PutObjectLegalHold':
      return { operation: putObjectLegalHold, byBody: (target) => legalHoldUses(target, write.legalHold) }
  }
}

const TAGGING = /^s3:(Put|Delete)Object(Version)?Tagging$/

/**
 * The rights of replication, where the operation does not know it as such. Tags of a version are those of its object, too:
 * who may not change these, may not by naming the version.
 */
function furtherUses({ does }: ReplicaWrite, own: readonly ResourceUse[]): readonly ResourceUse[] {
  const tagging = own.filter(({ action }) => TAGGING.test(action))
  const [first] = own
  return [
    ...tagging.map((use) => ({ ...use, action: 's3:ReplicateTags' }) as const),
    ...tagging
      .filter(({ action }) => action.includes('Version'))
      .map((use): ResourceUse => ({ ...use, action: withoutVersion(use.action) })),
    ...(first && does !== 'PutObject' && does !== 'DeleteObject'
      ? [{ ...first, action: 's3:ReplicateObject' } as const]
      : []),
  ]
}

const withoutVersion = (action: S3Action): S3Action =>
  action.startsWith('s3:Put') ? 's3:PutObjectTagging' : 's3:DeleteObjectTagging'
