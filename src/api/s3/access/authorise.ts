import { type Acl, isGivenByBucketAcl } from '../../../access/acl.ts'
import type { Facts } from '../../../access/conditions.ts'
import { evaluate } from '../../../access/evaluate.ts'
import type { Requester } from '../../../access/requester.ts'
import type { Clock } from '../../../base/clock.ts'
import { parseCrn } from '../../../base/crn.ts'
import { hasCode } from '../../../base/errors.ts'
import type { Iam } from '../../../iam/iam.ts'
import type { AwsIdentity } from '../../../iam/principal.ts'
import type { Bucket } from '../../../objects/buckets.ts'
import type { KnownObject } from '../../../objects/change-properties.ts'
import type { ObjectsErrorCode } from '../../../objects/errors.ts'
import type { Tag } from '../../../objects/object-properties.ts'
import type { ObjectsService } from '../../../objects/objects.ts'
import type { SaidOfUpload } from '../../../objects/upload-said.ts'
import type { Upload } from '../../../objects/uploads.ts'
import type { Asking } from '../anonymous.ts'
import { bucketTagging } from '../bucket-tagging.ts'
import type { ResourceUse, S3Action, S3Operation } from '../operation.ts'
import type { S3Request } from '../request.ts'
import { actingHeader } from './acting-headers.ts'
import { accessOf, type BucketAccess } from './bucket-access.ts'
import { type Answer, decideAccess, mayBeOpen } from './decide.ts'
import { aclFromJson } from './documents.ts'
import { factsOf } from './facts.ts'
import { conditionKeys, decideIdentity, type OwnDecision } from './identity-policies.ts'
import { requesterOf } from './requester.ts'

export interface AuthoriserOptions {
  readonly iam: Pick<Iam, 'decide' | 'owner'>
  readonly clock: Clock
  readonly region: string
}

/** What is known of a request when its rights are asked for. */
export interface AskedBy {
  /** Of a form: as if its fields were headers. */
  readonly request: S3Request
  readonly isForm: boolean
  readonly operation: Pick<S3Operation, 'name' | 'makes' | 'alsoUses'>
  readonly principal: Asking
  readonly sourceIp: string | undefined
  /** Tags that the request gives to what it writes. */
  readonly requestTags: () => readonly Tag[]
  /** All that a root key is called which the request names so. */
  readonly rootKeyNames: (keyName: string, bucket: Bucket) => Promise<readonly string[]>
  readonly objects: Pick<ObjectsService, 'buckets' | 'document'>
  /** The engine, on the requester's behalf. Most decisions look at nothing that is stored. */
  readonly service: () => ObjectsService
}

export interface Decision {
  readonly allowed: boolean
  /** For the audit log: the role, the statement or the grant that decided. */
  readonly reason: string
  /** It could not be allowed by anything. */
  readonly never?: boolean
  /** Only an ACL allows it. */
  readonly byAcl?: boolean
  /** The object that was looked at for it; null when there was none. */
  readonly seen?: Pick<KnownObject, 'blobId'> | null
}

/** Decides for one request. */
export interface Authoriser {
  /** Throws NoSuchBucket. */
  readonly decide: (use: ResourceUse) => Promise<Decision>
  /** Does a statement deny it, whatever allows it? Throws NoSuchBucket. */
  readonly denies: (use: ResourceUse) => Promise<boolean>
  /** What is known before the body says what it is about: refuses whom nothing at all could let in. */
  readonly decideRoughly: (use: ResourceUse) => Decision
  /** For what belongs to no bucket, or to one that is to be made. */
  readonly decideService: (action: S3Action, instanceCrn: string, bucket: ServiceUse) => Decision
  /** The same before the body says where a bucket is to be: refuses whom no location could let in. */
  readonly decideServiceRoughly: Authoriser['decideService']
}

interface ServiceUse {
  /** Its name. */
  readonly bucket?: string | undefined
  readonly location?: ResourceUse['location']
}

export function authoriser(asked: AskedBy, { iam, clock, region }: AuthoriserOptions): Authoriser {
  const { principal, objects, service } = asked
  const aws = principal.type === 'user' ? principal.aws : undefined
  let known: Requester | undefined
  const requester = (): Requester => {
    known ??= requesterOf(principal, iam)
    return known
  }

  /** That the request goes on with. Undefined: with none. */
  const upload = lazily(async (): Promise<SaidOfUpload | undefined> => {
    const { makes } = asked.operation
    const { bucket: name, key, query } = asked.request
    const uploadId = query.get('uploadId')
    const goesOn = makes === 'part' || makes === 'completion'
    if (!goesOn || name === undefined || key === undefined || uploadId === undefined) return undefined
    const found = await foundUpload(service(), { bucket: objects.buckets.get(name), key, uploadId })
    return found && service().saidOfUpload(found)
  })

  const decideService: Authoriser['decideService'] = (action, instanceCrn, { bucket, location }) => {
    if (principal.type === 'anonymous') return { allowed: false, reason: 'anonymous' }
    const { account, instance } = parseCrn(instanceCrn)
    if (aws) {
      if (account !== principal.accountId) return { allowed: false, reason: 'the instance belongs to another account' }
      const facts = factsOf({
        ...{ request: asked.request, isForm: asked.isForm, principal, requester: requester() },
        ...{ operation: asked.operation, action },
        ...{ sourceIp: asked.sourceIp, nowMs: clock.now(), region, bucket: undefined, versionId: undefined },
        location,
      })
      const resource = `arn:aws:s3:::${bucket ?? '*'}`
      return decideIdentity(aws, { requester: requester(), action, resource, facts })
    }
    const target = { service: 'cloud-object-storage', accountId: account, instance } as const
    const at = bucket === undefined ? target : { ...target, resourceType: 'bucket', resource: bucket }
    return iam.decide(principal, action, at)
  }

  const decideServiceRoughly: Authoriser['decideService'] = (action, ...where) =>
    aws && conditionKeys(aws).includes('s3:locationconstraint')
      ? { allowed: true, reason: 'asked for the location' }
      : decideService(action, ...where)

  /** In the bucket's account: to this bucket. Elsewhere: to whatever other accounts open, so only who is not bound to a resource. */
  const own = ({ action, ...use }: ResourceUse, bucket: Bucket, facts: () => Facts): OwnDecision => {
    if (principal.type === 'anonymous') return { allowed: false, reason: 'anonymous' }
    if (aws) {
      return decideIdentity(aws, { requester: requester(), action, resource: arnOf(use), facts: facts() })
    }
    if (isOf(principal, bucket) || principal.type === 'service') {
      return decideService(action, bucket.serviceInstanceCrn, { bucket: bucket.name })
    }
    return iam.decide(principal, action, { service: 'cloud-object-storage', accountId: principal.accountId })
  }

  const decideRoughly = (use: ResourceUse): Decision => {
    const bucket = objects.buckets.get(use.bucket)
    const { policy, acl } = accessOf(objects, bucket)
    // What an identity's own policies say of objects may differ from one to the next.
    if (aws) return { allowed: true, reason: 'asked for each object' }
    const found = own(use, bucket, () => NO_FACTS)
    if (found.allowed && isOf(principal, bucket)) return found
    const isOpen = principal.type !== 'anonymous' || mayBeOpen(use.action, arnOf(use))
    const mayBeGiven = isOpen && (policy !== undefined || (acl !== undefined && isGivenByBucketAcl(use.action)))
    return mayBeGiven ? { allowed: true, reason: 'asked for each object' } : { allowed: false, reason: found.reason }
  }

  const circumstances = async (use: ResourceUse, bucket: Bucket, access: BucketAccess) => {
    const look = lazily(() => lookAt(service(), bucket, use))
    const wantsTags = asksFor(access, aws, EXISTING_TAGS)
    const existingTags = wantsTags ? await (await look())?.tags() : undefined
    const begun = asksFor(access, aws, OF_UPLOADS) ? await upload() : undefined
    const { request, operation } = asked
    const deed = { request, operation, action: use.action, said: use.said, begun: begun?.headers }
    const keyName = asksFor(access, aws, KEY_ID) ? actingHeader(KEY_ID_HEADER, deed)?.[0] : undefined
    const facts = factsOf({
      ...{ ...deed, isForm: asked.isForm, principal, requester: requester() },
      rootKeyNames: keyName === undefined ? undefined : await asked.rootKeyNames(keyName, bucket),
      ...{ sourceIp: asked.sourceIp, nowMs: clock.now(), region, bucket, existingTags },
      ...{ versionId: use.versionId, prefix: use.prefix },
      requestTags: use.requestTags ?? begun?.tags ?? asked.requestTags(),
      ...{ bucketTags: bucketTagging.of(objects, bucket), newBucketTags: use.bucketTags },
    })
    return { facts, look, wantsTags }
  }

  const decide = async (use: ResourceUse): Promise<Decision> => {
    const bucket = objects.buckets.get(use.bucket)
    const access = accessOf(objects, bucket)
    const only = !access.policy && !access.acl && isOf(principal, bucket)
    // The common case: nothing but the identity's own rights has anything to say.
    if (only && !aws) {
      const found = own(use, bucket, () => NO_FACTS)
      if (found.allowed) return found
    }
    const { facts, look, wantsTags } = await circumstances(use, bucket, access)
    const found = own(use, bucket, () => facts)
    const ask = (object: Acl | null | undefined): Answer =>
      decideAccess({
        ...{ requester: requester(), action: use.action, aclAction: use.within, making: use.making },
        ...{ facts, object, own: found, resource: arnOf(use) },
        bucket: { access, accountId: accountOf(bucket), ownerId: bucket.ownerId },
      })
    const first = ask(undefined)
    const looks = wantsTags || first.is === 'up to the object'
    const object = looks ? await look() : undefined
    const answer =
      first.is === 'up to the object'
        ? ask(object ? aclFromJson(object.owner?.id ?? bucket.ownerId, object.acl) : null)
        : first
    if (answer.is === 'up to its absence') return { ...(await decide(toList(use))), seen: null }
    if (answer.is === 'up to the object') throw new Error('a decision about an object was not taken')
    if (answer.is === 'denied' && !answer.explicit && (await isInitiator(use, bucket))) return INITIATOR
    const byAcl = answer.is === 'allowed' && answer.byAcl === true
    const never = answer.is === 'denied' && answer.never === true
    const decision = { allowed: answer.is === 'allowed', reason: answer.reason, byAcl, never }
    return looks ? { ...decision, seen: object ?? null } : decision
  }

  const denies: Authoriser['denies'] = async (use) => {
    const bucket = objects.buckets.get(use.bucket)
    const access = accessOf(objects, bucket)
    const { policy } = access
    if (policy === 'unreadable') return true
    if (!policy && !aws) return false
    const { facts } = await circumstances(use, bucket, access)
    const { explicit = false, beyond = false } = own(use, bucket, () => facts)
    if (explicit && !beyond) return true
    const question = { requester: requester(), action: use.action, resource: arnOf(use), facts }
    return policy !== undefined && evaluate(policy, question).effect === 'deny'
  }

  /** S3: whoever began an upload may list its parts and abort it. */
  const isInitiator = async ({ action, key }: ResourceUse, bucket: Bucket): Promise<boolean> => {
    const uploadId = asked.request.query.get('uploadId')
    if (!INITIATORS.has(action) || key === undefined || uploadId === undefined || principal.type === 'anonymous') {
      return false
    }
    const initiator = (await foundUpload(service(), { bucket, key, uploadId }))?.record.initiator
    return initiator?.iamId === principal.iamId && initiator.id === requester().canonicalId
  }

  return { decide, denies, decideRoughly, decideService, decideServiceRoughly }
}

/** S3: whether there is no such object is told to those who might list it. */
export const toList = ({ bucket, key }: ResourceUse): ResourceUse => ({
  bucket,
  action: 's3:ListBucket',
  ...(key === undefined ? {} : { prefix: key }),
})

const INITIATORS: ReadonlySet<S3Action> = new Set<S3Action>(['s3:AbortMultipartUpload', 's3:ListMultipartUploadParts'])
const INITIATOR: Decision = { allowed: true, reason: 'initiator of the upload' }

const NO_FACTS: Facts = { get: () => undefined }

const arnOf = ({ bucket, key }: Pick<ResourceUse, 'bucket' | 'key'>): string =>
  `arn:aws:s3:::${bucket}${key === undefined ? '' : `/${key}`}`

const accountOf = ({ serviceInstanceCrn }: Bucket): string => parseCrn(serviceInstanceCrn).account

const isOf = (principal: Asking, bucket: Bucket): boolean =>
  principal.type !== 'anonymous' && principal.accountId === accountOf(bucket)

function asksFor({ policy }: BucketAccess, aws: AwsIdentity | undefined, keys: RegExp): boolean {
  const asked = policy === undefined || policy === 'unreadable' ? [] : [...policy.keys]
  const all = aws ? [...asked, ...conditionKeys(aws)] : asked
  return all.some((key) => keys.test(key))
}

const EXISTING_TAGS = /^s3:existingobjecttag\//
/** What is said when an upload is begun, and not when it goes on. */
const OF_UPLOADS = /^s3:(x-amz-|object-lock-|requestobjecttag)/

const KEY_ID_HEADER = 'x-amz-server-side-encryption-aws-kms-key-id'
const KEY_ID = /^s3:x-amz-server-side-encryption-aws-kms-key-id$/

const foundUpload = (
  objects: ObjectsService,
  target: Parameters<ObjectsService['findUpload']>[0],
): Promise<Upload | undefined> =>
  objects.findUpload(target).catch((error: unknown) => {
    if (hasCode<ObjectsErrorCode>(error, 'NoSuchUpload')) return undefined
    throw error
  })

/** A version that there is not, or that is a delete marker, is no object. */
async function lookAt(
  objects: ObjectsService,
  bucket: Bucket,
  { key, versionId, isPattern }: ResourceUse,
): Promise<KnownObject | undefined> {
  if (key === undefined || isPattern) return undefined
  try {
    return await objects.known({ bucket, key, versionId })
  } catch (error) {
    if (hasCode<ObjectsErrorCode>(error, 'NoSuchVersion', 'DeleteMarker')) return undefined
    throw error
  }
}

function lazily<Value>(make: () => Promise<Value>): () => Promise<Value> {
  let made: Promise<Value> | undefined
  return () => {
    made ??= make()
    return made
  }
}
