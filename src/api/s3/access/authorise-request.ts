import type { Clock } from '../../../base/clock.ts'
import { parseCrn } from '../../../base/crn.ts'
import { hasCode } from '../../../base/errors.ts'
import type { Iam } from '../../../iam/iam.ts'
import type { Bucket } from '../../../objects/buckets.ts'
import type { ObjectsErrorCode } from '../../../objects/errors.ts'
import type { Objects, ObjectsService } from '../../../objects/objects.ts'
import { S3Error } from '../error-codes.ts'
import type { FirewallTest } from '../firewall.ts'
import { withFields } from '../form-request.ts'
import { keyAccess } from '../key-access.ts'
import type { Caller, OperationContext, ResourceUse, S3Action, S3Operation, StoreSettings } from '../operation.ts'
import type { S3Request } from '../request.ts'
import { namesOfRootKey } from '../root-key-name.ts'
import { type Authoriser, authoriser, type Decision, toList } from './authorise.ts'
import { objectDecisions } from './object-decisions.ts'
import { tagsOfRequest, usesOfRequest } from './request-uses.ts'

export interface AuthorisationOptions {
  readonly objects: Pick<Objects, 'buckets' | 'onBehalfOf' | 'configurationOf' | 'document'>
  readonly iam: Pick<Iam, 'decide' | 'owner' | 'instances'>
  readonly clock: Clock
  readonly settings: Pick<StoreSettings, 'region' | 'serviceRootKeyCrn' | 'accountRootKey'>
  readonly firewall: FirewallTest
}

interface Asked {
  readonly operation: S3Operation
  readonly request: S3Request
  readonly caller: Caller
  readonly sourceIp: string | undefined
}

/** What a caller was let in by, and what it may still be asked about. */
export interface Authorisation extends Pick<OperationContext, 'may' | 'require'> {
  /** For the audit log. */
  readonly reason: string
  /** Only an ACL lets the caller in: access logs tell it. */
  readonly byAcl: boolean
  /** The engine, where an object is opened, or changed, only if the decision was about this very object. */
  readonly guarded: (objects: ObjectsService) => ObjectsService
  /** What a failed operation answers: that something is not there is told to those only who might list it. */
  readonly told: (error: unknown) => Promise<unknown>
}

/** Refused, and why: the reason is for the audit log, not for the caller. */
export class Refusal extends S3Error {
  readonly reason: string

  /** S3: `MethodNotAllowed` when nobody could allow it. */
  constructor(reason: string, code: 'AccessDenied' | 'MethodNotAllowed' = 'AccessDenied') {
    super(code)
    this.reason = reason
  }
}

/**
 * Permission comes before existence; a bucket that nobody owns is left to the operation, which creates it or answers 404.
 * Throws a Refusal.
 */
export async function authoriseRequest(asked: Asked, options: AuthorisationOptions): Promise<Authorisation> {
  const { operation, request, caller, sourceIp } = asked
  const { objects, iam, clock, settings, firewall } = options
  const asPut = caller.form ? withFields(request, caller.form) : request
  const { principal } = caller
  const { iamId } = principal
  let made: ObjectsService | undefined
  const service = (): ObjectsService => {
    made ??= objects.onBehalfOf({ iamId, action: `s3.${operation.name}`, requestId: request.id })
    return made
  }
  const access = authoriser(
    {
      request: asPut,
      isForm: caller.form !== undefined,
      operation,
      principal,
      sourceIp,
      requestTags: () => tagsOfRequest({ operation, request: asPut, form: caller.form }),
      rootKeyNames: (keyName, bucket) =>
        namesOfRootKey(keyName, bucket, { objects: service(), settings, ...keyAccess(principal, iam) }),
      ...{ objects, service },
    },
    { iam, clock, region: settings.region },
  )
  if (operation.on === 'service' || operation.name === 'CreateBucket') {
    const actions = [operation.action, ...(operation.alsoNeeds?.(request, caller.form) ?? [])]
    const { serviceInstanceCrn } = caller
    const decide = (action: S3Action): Decision => {
      const asksLater = operation.asksItself && action === operation.action
      const decideService = asksLater ? access.decideServiceRoughly : access.decideService
      return decideService(action, serviceInstanceCrn, request)
    }
    const inService = (use: ResourceUse) => Promise.resolve(access.decideService(use.action, serviceInstanceCrn, use))
    return authorisation([], actions.map(decide).map(granted), operation.asksItself ? inService : access.decide)
  }
  refuseAnonymousOverrides(request, caller)
  const uses = usesOfRequest({ operation, request, form: caller.form })
  const decisions: Decision[] = []
  for (const use of uses) {
    const bucket = objects.buckets.get(use.bucket)
    const asksLater = operation.asksItself && use === uses[0]
    const decision = asksLater ? access.decideRoughly(use) : await access.decide(use)
    decisions.push(granted(decision))
    if (firewall(objects.configurationOf(bucket).firewall, sourceIp)) throw new Refusal('firewall')
    const isSource = operation.alsoUses !== undefined && use === uses.at(-1)
    const header = isSource ? 'x-amz-source-expected-bucket-owner' : 'x-amz-expected-bucket-owner'
    checkExpectedOwner(request, header, bucket)
  }
  return authorisation(uses, decisions, access.decide)
}

function granted(decision: Decision): Decision {
  const { allowed, reason, never } = decision
  if (!allowed) throw new Refusal(reason, never ? 'MethodNotAllowed' : 'AccessDenied')
  return decision
}

function reasonsOf(decisions: readonly Decision[]): string {
  const [first] = decisions
  // Most requests need one right.
  if (first && decisions.length === 1) return first.reason
  return [...new Set(decisions.map(({ reason }) => reason))].join(', ')
}

function authorisation(
  uses: readonly ResourceUse[],
  decisions: readonly Decision[],
  ask: Authoriser['decide'],
): Authorisation {
  const may = async (use: ResourceUse): Promise<boolean> => (await ask(use)).allowed
  const decide = async (use: ResourceUse): Promise<Decision> => granted(await ask(use))
  const aboutObjects = objectDecisions(decide)
  for (const [index, decision] of decisions.entries()) {
    const use = uses[index]
    if (use) aboutObjects.add(use, decision)
  }
  return {
    reason: reasonsOf(decisions),
    byAcl: decisions.some(({ byAcl }) => byAcl === true),
    may,
    require: async (use) => aboutObjects.add(use, await decide(use)),
    guarded: aboutObjects.guarded,
    told: async (error) => {
      if (!hasCode<ObjectsErrorCode>(error, 'NoSuchKey', 'NoSuchVersion')) return error
      for (const use of uses.filter(({ action }) => action.startsWith('s3:Get'))) {
        const decision = await ask(toList(use))
        if (!decision.allowed) return new Refusal(decision.reason)
      }
      return error
    },
  }
}

/** S3: only who signs may say what headers the answer has. */
function refuseAnonymousOverrides({ query }: S3Request, { principal }: Caller): void {
  if (principal.type !== 'anonymous' || ![...query.keys()].some((name) => name.startsWith('response-'))) return
  throw new S3Error('InvalidRequest', 'Request specific response headers cannot be used for anonymous GET requests.')
}

/** S3 names the owner by the account here; the canonical id of the owner that listings show is taken as well. */
function checkExpectedOwner({ headers }: S3Request, name: string, bucket: Bucket): void {
  const expected = headers.get(name)
  if (expected === undefined || expected === bucket.ownerId) return
  if (expected !== parseCrn(bucket.serviceInstanceCrn).account) throw new Refusal(name)
}
