import { z } from 'zod'
import { ACTIONS } from '../../../access/s3-actions.ts'
import { parseCrn } from '../../../base/crn.ts'
import { CodedError } from '../../../base/errors.ts'
import { actionsNamed } from '../../../iam/action-catalog.ts'
import { type Action, IAM_ACTIONS, type IamAction, KMS_ACTIONS, type KmsAction } from '../../../iam/actions.ts'
import type { Decision } from '../../../iam/decide.ts'
import type { PolicyAction } from '../../../iam/decide-policy.ts'
import { isInTable } from '../../../iam/object-storage-actions.ts'
import type { PolicyDraft } from '../../../iam/policy.ts'
import { type Principal, SERVICE_NAMES } from '../../../iam/principal.ts'
import { decidedBy, decidedByOf } from '../../common/decided-by.ts'
import { json } from '../../common/reply.ts'
import type { RequestErrorCode } from '../../common/request.ts'
import type { S3Question } from '../../common/s3-question.ts'
import { type AdminContext, defineOperation, notAllowed } from '../context.ts'

const circumstances = z.strictObject({
  sourceIp: z.string().exactOptional(),
  secure: z.boolean().exactOptional().meta({ description: 'Over TLS, which is the default.' }),
  headers: z.record(z.string(), z.string()).exactOptional(),
  query: z.record(z.string(), z.string()).exactOptional(),
})

const body = z.strictObject({
  principal: z
    .string()
    .exactOptional()
    .meta({ description: 'IAM id, unique id or ARN; the CRN of an instance; `anonymous`. Default: the caller.' }),
  action: z
    .string()
    .meta({ description: '`s3:GetObject`, `kms.secrets.disable`, `cloud-object-storage.object.get`, …' }),
  resource: z.string().exactOptional().meta({
    description: '`bucket`, `bucket/key`, `arn:aws:s3:::bucket/key`, or the CRN of a root key or an instance.',
  }),
  versionId: z.string().exactOptional(),
  context: circumstances.exactOptional(),
})
type Asked = z.output<typeof body>

/** `isTold`: what decided, and what there is. */
type Told = Asked & { readonly isTold: boolean }

const decision = z.object({
  action: z.string(),
  allowed: z.boolean(),
  reason: z.string().optional(),
  decidedBy: decidedBy.optional(),
})

const reply = z.object({
  principal: z.object({ id: z.string(), kind: z.string() }),
  allowed: z.boolean(),
  decisions: z
    .array(decision)
    .meta({ description: 'One for each action that the name stands for; all have to be allowed.' }),
})

export const simulate = defineOperation({
  name: 'Simulate',
  summary: 'May somebody do this? Decided as the request itself would be; nothing is done.',
  method: 'POST',
  path: '/admin/v1/simulate',
  isQuestion: true,
  body,
  reply,
  run: async ({ body: asked }, context) => {
    const { principal, kind } = principalFor(context, asked.principal)
    const isTold = mayLookInto(context, asked)
    // Whoever may not see the policies learns what he would learn by trying, and no more.
    if (!isTold && (principal !== context.principal || asked.context)) throw notAllowed('iam.policy.read')
    const decisions: (Decision & { readonly action: Action })[] = []
    for (const action of actionsOf(asked.action))
      decisions.push({ action, ...(await decide(context, { ...asked, isTold }, principal, action)) })
    return json(200, {
      principal: { id: principal.iamId, kind },
      allowed: decisions.every(({ allowed }) => allowed),
      decisions: decisions.map(({ action, allowed, reason }) => ({
        ...{ action, allowed },
        ...(isTold ? { reason, decidedBy: decidedByOf(reason) } : {}),
      })),
    } satisfies z.input<typeof reply>)
  },
})

type Asker = S3Question['principal']

function principalFor({ principal, iam }: AdminContext, name: string | undefined): { principal: Asker; kind: string } {
  if (name === 'anonymous') return { principal: { type: 'anonymous', iamId: 'anonymous' }, kind: 'anonymous' }
  if (name === undefined || name === principal.iamId) return { principal, kind: principal.type }
  const known = iam.principal(principal.accountId, name)
  if (!known) throw invalid('principal', 'there is nobody of this name in the account')
  return known
}

/** Who may see the policies of the account, and that of the bucket, is told what decided, and may ask about others. */
function mayLookInto({ iam, principal, may, objects }: AdminContext, { action, resource }: Asked): boolean {
  const account = { service: 'iam', accountId: principal.accountId } as const
  const sees = (right: IamAction) => iam.decide(principal, right, account).allowed
  if (!(sees('iam.policy.read') && sees('user-management.user.retrieve'))) return false
  if (!isS3(action)) return true
  const bucket = objects.buckets.find(placeOf(resource).bucket)
  return bucket === undefined || may(bucket, 's3:GetBucketPolicy')
}

const isS3 = (action: string): boolean => /^(s3:|cloud-object-storage\.)/.test(action)

function actionsOf(name: string): readonly Action[] {
  const known: readonly string[] = [...KMS_ACTIONS, ...IAM_ACTIONS]
  if (isKnownS3(name)) return [name]
  if (isOwn(name)) return [name]
  const service = SERVICE_NAMES.find((one) => name.startsWith(`${one}.`))
  const actions = service && actionsNamed(service, name)
  if (!actions) throw invalid('action', 'there is no such action')
  return actions

  function isOwn(text: string): text is KmsAction | IamAction {
    return known.includes(text)
  }
}

const isKnownS3 = (name: string): name is `s3:${string}` =>
  name.startsWith('s3:') && (ACTIONS.includes(name) || isInTable(`s3:${name.slice(3)}`))

async function decide(context: AdminContext, asked: Told, principal: Asker, action: Action): Promise<Decision> {
  if (action.startsWith('s3:')) return decideS3(context, asked, principal, `s3:${action.slice(3)}`)
  if (principal.type === 'anonymous') return { allowed: false, reason: 'anonymous' }
  const accountId = context.principal.accountId
  if (isOfPolicies(action) && asked.resource !== undefined)
    return context.iam.decidePolicy(principal, action, policyOn(asked.resource, accountId))
  if (!action.startsWith('kms.')) return context.iam.explain(principal, action, { service: 'iam', accountId })
  return decideKey(context, asked, principal, action)
}

const isOfPolicies = (action: Action): action is PolicyAction => action.startsWith('iam.policy.')

/** Whoever administers an instance hands out rights on it, and on nothing else. */
function policyOn(resource: string, accountId: string): PolicyDraft {
  const { account, service, instance } = parseCrn(resource)
  if (account !== accountId) throw invalid('resource', 'is of another account')
  const said = { accountId, serviceName: service, serviceInstance: instance }
  const attributes = Object.entries(said).map(([key, value]) => ({ key, operator: 'stringEquals', value }) as const)
  return { type: 'authorization', accountId, subject: [], resource: attributes, roles: [] }
}

/** What belongs to no bucket yet. */
const OF_SERVICE = new Set(['s3:CreateBucket', 's3:ListAllMyBuckets'])

async function decideS3(
  { askS3, asker, iam, objects, principal: caller }: AdminContext,
  { resource, versionId, context: circumstances, isTold }: Told,
  principal: Asker,
  action: `s3:${string}`,
): Promise<Decision> {
  if (OF_SERVICE.has(action) && principal.type !== 'anonymous') {
    const { accountId } = caller
    const instance = iam.instances({ service: 'cloud-object-storage', accountId }).at(0)
    const target = {
      service: 'cloud-object-storage',
      accountId,
      ...(instance ? { instance: instance.guid } : {}),
    } as const
    return iam.explain(principal, action, target)
  }
  const { bucket, key } = placeOf(resource)
  const found = objects.buckets.get(bucket)
  const known = key === undefined ? undefined : objects.known({ bucket: found, key, versionId })
  const isThere = await known?.catch((error: unknown) => {
    if (isTold) throw error
    // As S3 has it: whether something is there is for those who may see the bucket.
    return undefined
  })
  const use = { action, bucket, key, versionId, isTypical: key !== undefined && !isThere }
  return askS3({ ...use, principal, asker, ...(circumstances ? { circumstances } : {}) })
}

/** `arn:aws:s3:::bucket/key`, with or without what leads it; or a bucket's CRN. */
function placeOf(resource = ''): { readonly bucket: string; readonly key?: string } {
  const path = resource.startsWith('crn:') ? parseCrn(resource).resource : resource.replace(/^arn:aws:s3:::/, '')
  const slash = path.indexOf('/')
  return slash < 0 ? { bucket: path } : { bucket: path.slice(0, slash), key: path.slice(slash + 1) }
}

function decideKey(
  { kms, iam, principal: caller }: AdminContext,
  { resource }: Asked,
  principal: Principal,
  action: Action,
) {
  if (!kms) throw invalid('action', 'this server has no keys of its own: their service decides about them')
  if (!isKms(action)) throw invalid('action', 'there is no such action')
  if (resource === undefined) throw invalid('resource', 'the CRN of a root key or of an instance of Key Protect')
  const { account, instance, resource: key } = parseCrn(resource)
  if (account !== caller.accountId) throw invalid('resource', 'is of another account')
  return kms.explain(
    iam.explain,
    { principal, instanceGuid: instance, origin: 'wire' },
    action,
    key === '' ? undefined : key,
  )
}

const isKms = (action: string): action is KmsAction => (KMS_ACTIONS as readonly string[]).includes(action)

const invalid = (field: string, message: string): CodedError<RequestErrorCode> =>
  new CodedError('BodyInvalid', `${field}: ${message}`, { details: { problem: 'invalid', field } })
