import { parseCrn } from '../../base/crn.ts'
import { CodedError } from '../../base/errors.ts'
import type { Action } from '../../iam/actions.ts'
import type { Iam } from '../../iam/iam.ts'
import type { Principal } from '../../iam/principal.ts'
import type { Bucket } from '../../objects/buckets.ts'
import type { Objects } from '../../objects/objects.ts'
import { jsonOperations } from '../common/json-operation.ts'
import type { ApiRequest } from '../common/request.ts'
import type { ConfigErrorCode } from './errors.ts'

/** What an operation may touch. The bucket's firewall is no matter here: who locked himself out opens it by this API. */
export interface ConfigContext {
  readonly iam: Pick<Iam, 'decide'>
  readonly objects: Pick<Objects, 'buckets' | 'bucketUsage' | 'versionTotals' | 'configurationOf' | 'configure'>
  readonly principal: Principal
}

export const configOperation = jsonOperations<ConfigContext>()

/** The bucket of the path. Throws NoSuchBucket, and NotPermitted unless the caller may read what it is. */
export function findBucket(request: ApiRequest, context: ConfigContext): Bucket {
  const bucket = context.objects.buckets.get(request.param('bucket'))
  requireAction(context, 's3:GetBucketConfiguration', bucket)
  return bucket
}

export const may = ({ iam, principal }: ConfigContext, action: Action, bucket: Bucket): boolean =>
  decisionOn(iam, principal, action, bucket).allowed

/** Throws NotPermitted. */
export function requireAction({ iam, principal }: ConfigContext, action: Action, bucket: Bucket): void {
  const { allowed, reason } = decisionOn(iam, principal, action, bucket)
  if (!allowed) throw new CodedError<ConfigErrorCode>('NotPermitted', `Access Denied: ${reason}`)
}

function decisionOn(iam: Pick<Iam, 'decide'>, principal: Principal, action: Action, bucket: Bucket) {
  const { account: accountId, instance } = parseCrn(bucket.serviceInstanceCrn)
  const of = { service: 'cloud-object-storage', accountId, instance } as const
  return iam.decide(principal, action, { ...of, resourceType: 'bucket', resource: bucket.name })
}
