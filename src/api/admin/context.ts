import type { Clock } from '../../base/clock.ts'
import { parseCrn } from '../../base/crn.ts'
import { CodedError } from '../../base/errors.ts'
import type { WrapBudget } from '../../envelope/wrap-budget.ts'
import type { Action, IamAction } from '../../iam/actions.ts'
import type { IamErrorCode } from '../../iam/errors.ts'
import type { Iam } from '../../iam/iam.ts'
import type { Principal } from '../../iam/principal.ts'
import type { Bucket } from '../../objects/buckets.ts'
import type { Asker } from '../../objects/data-key-audit.ts'
import type { Objects, ObjectsService } from '../../objects/objects.ts'
import { principalOf } from '../common/bearer-token.ts'
import type { SharesReader } from '../common/bucket-shares.ts'
import type { HealthReport } from '../common/health.ts'
import { type JsonOperationInfo, jsonOperations } from '../common/json-operation.ts'
import type { Presigning } from '../common/presigning.ts'
import type { ApiRequest } from '../common/request.ts'
import { isOfRegion, mayUseRootKey } from '../common/root-key-use.ts'
import type { AskS3, S3Question } from '../common/s3-question.ts'
import type { ReadableLog } from './activity/look.ts'
import type { AdminAuditOptions } from './audit.ts'
import { type AdminKeys, type KeySight, keySight } from './key-sight.ts'
import type { Samples } from './samples.ts'

/** Whom the settings let buckets notify. */
export interface NotificationTargetFace {
  readonly name: string
  readonly kind: 'webhook' | 'nats'
  /** With its port, if that is not the usual one. */
  readonly host: string
}

type AdminIam = Pick<
  Iam,
  | ('identities' | 'findCredential' | 'verifyToken' | 'decide' | 'decidePolicy' | 'explain' | 'policies')
  | ('instance' | 'instances' | 'principal' | 'principals' | 'isOperator' | 'servicePrincipal')
>

export interface AdminOptions extends AdminAuditOptions {
  readonly objects: Objects
  /** Of root keys that this process uses. */
  readonly wrapBudgets: () => readonly WrapBudget[]
  readonly iam: AdminIam
  /** The region that the S3 endpoint answers for, and the root key of provider-managed buckets. */
  readonly region: string
  readonly serviceRootKeyCrn: string
  readonly notificationTargets: readonly NotificationTargetFace[]
  /** Undefined for keys of another service. */
  readonly knowsKey: (rootKeyCrn: string) => boolean | undefined
  /** Where this process has keys of its own. */
  readonly kms: AdminKeys | undefined
  readonly askS3: AskS3
  readonly shares: SharesReader
  readonly activityLog: ReadableLog
  readonly samples: Samples
  readonly clock: Clock
  readonly presign: (options: Presigning) => string
  /** Where clients reach S3, for who asks on this host. */
  readonly s3Endpoint: (host: string | undefined) => { readonly url: string; readonly region: string }
  /** As `/health/ready` tells it. */
  readonly readiness: () => HealthReport
  /** After a rotation data keys are rewrapped by the server itself. */
  readonly rewrapsByItself: boolean
}

type Handed =
  | 'iam'
  | 'kms'
  | 'askS3'
  | 'shares'
  | 'activityLog'
  | 'samples'
  | 'readiness'
  | 'clock'
  | 'presign'
  | 's3Endpoint'
  | 'notificationTargets'
  | 'rewrapsByItself'

export interface AdminContext extends Pick<AdminOptions, Handed> {
  readonly principal: Principal
  readonly request: ApiRequest
  readonly asker: Asker
  /** What the call is about, for its line in the audit log, where its path does not say it. */
  readonly about: { action?: string; target?: string; object?: string; key?: string }
  readonly objects: Objects
  readonly wrapBudgets: () => readonly WrapBudget[]
  /** On the caller's behalf. */
  readonly service: ObjectsService
  readonly serviceRootKeyCrn: string
  readonly may: (bucket: Bucket, action: Action) => boolean
  /** Of every bucket there is; of a store that has none, in the operator's account. */
  readonly managesAll: (action: Action) => boolean
  /** For what is of all buckets. Throws NotPermitted unless the caller may do this in every one. */
  readonly requireAll: (action: Action) => void
  readonly mayAccount: (action: IamAction) => boolean
  /** For what is of the caller's account. Throws NotPermitted. */
  readonly requireAccount: (action: IamAction) => void
  /** The bucket of that name. Throws NoSuchBucket, NotPermitted. */
  readonly bucketFor: (name: string, action: Action) => Bucket
  readonly mayListUses: (rootKeyCrn: string) => boolean
  /** Throws NotPermitted unless S3 would let the caller do it. */
  readonly requireS3: (use: Pick<S3Question, 'action' | 'bucket' | 'key' | 'versionId' | 'prefix'>) => Promise<void>
  readonly keys: KeySight
  readonly knowsKey: AdminOptions['knowsKey']
  /** Throws RootKeyNotFound when the caller may not see the key, or it is of another region than the bucket. */
  readonly checkRootKey: (rootKeyCrn: string, bucket: Bucket) => void
}

export const defineOperation = jsonOperations<AdminContext>()

/** Throws InvalidToken, ExpiredToken. */
export async function contextOf(
  request: ApiRequest,
  operation: JsonOperationInfo,
  options: AdminOptions,
): Promise<AdminContext> {
  const { objects, wrapBudgets, iam, region, serviceRootKeyCrn, knowsKey, kms, askS3, clientAddress } = options
  const principal = await principalOf(request, iam)
  const sourceIp = clientAddress(request)
  const may = (bucket: Bucket, action: Action): boolean => {
    const { account, instance } = parseCrn(bucket.serviceInstanceCrn)
    const target = { service: 'cloud-object-storage', accountId: account, instance } as const
    return iam.decide(principal, action, { ...target, resourceType: 'bucket', resource: bucket.name }).allowed
  }
  const managesAll = (action: Action): boolean => {
    const buckets = objects.buckets.all()
    if (buckets.length > 0) return buckets.every((bucket) => may(bucket, action))
    const { accountId } = principal
    return (
      iam.isOperator(accountId) && iam.decide(principal, action, { service: 'cloud-object-storage', accountId }).allowed
    )
  }
  const mayAccount = (action: IamAction): boolean =>
    iam.decide(principal, action, { service: 'iam', accountId: principal.accountId }).allowed
  const asker: Asker = {
    ...{ iamId: principal.iamId, action: `admin.${operation.name}`, requestId: request.id },
    ...(sourceIp === undefined ? {} : { sourceIp }),
    ...(request.traceparent === undefined ? {} : { traceparent: request.traceparent }),
  }
  return {
    ...{ principal, request, asker, iam, kms, askS3, shares: options.shares, activityLog: options.activityLog },
    ...{ samples: options.samples, readiness: options.readiness, clock: options.clock },
    ...{ presign: options.presign, s3Endpoint: options.s3Endpoint, about: {} },
    notificationTargets: options.notificationTargets,
    rewrapsByItself: options.rewrapsByItself,
    objects,
    wrapBudgets,
    service: objects.onBehalfOf(asker),
    serviceRootKeyCrn,
    requireS3: async (use) => {
      const { allowed } = await askS3({ ...use, principal, asker, circumstances: { sourceIp, secure: request.secure } })
      if (!allowed) throw notAllowed(use.action)
    },
    keys: keySight(kms, { iam, principal, address: sourceIp, correlationId: request.correlationId }),
    knowsKey,
    may,
    managesAll,
    requireAll: (action) => {
      if (!managesAll(action)) throw notPermitted()
    },
    mayAccount,
    requireAccount: (action) => {
      if (!mayAccount(action)) throw notAllowed(action)
    },
    bucketFor: (name, action) => {
      const bucket = objects.buckets.get(name)
      if (!may(bucket, action)) throw notPermitted()
      return bucket
    },
    mayListUses: (rootKeyCrn) => {
      const { account, instance, resource } = parseCrn(rootKeyCrn)
      const target = { service: 'kms', accountId: account, instance, resourceType: 'key', resource } as const
      return iam.decide(principal, 'kms.registrations.list', target).allowed
    },
    checkRootKey: (rootKeyCrn, bucket) => {
      const usable = isOfRegion(rootKeyCrn, bucket.locationConstraint, region)
      const use = { rootKeyCrn, bucketAccountId: parseCrn(bucket.serviceInstanceCrn).account }
      // The store's own key is no customer's, whoever names it.
      if (usable && rootKeyCrn !== serviceRootKeyCrn && mayUseRootKey(iam, principal, use)) return
      throw new CodedError('RootKeyNotFound', 'The root key could not be found.')
    },
  }
}

export const notAllowed = (action: string): CodedError<IamErrorCode> =>
  new CodedError('NotPermitted', `This takes the right to ${action}.`)

export const notPermitted = (): CodedError<IamErrorCode> =>
  new CodedError('NotPermitted', 'This takes a Manager of the object storage instance.')
