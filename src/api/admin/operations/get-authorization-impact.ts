import { z } from 'zod'
import { CodedError } from '../../../base/errors.ts'
import type { IamErrorCode } from '../../../iam/errors.ts'
import type { Policy } from '../../../iam/policy.ts'
import type { Bucket } from '../../../objects/buckets.ts'
import type { KeyUsage } from '../../../objects/key-usage.ts'
import { decidedBy, decidedByOf } from '../../common/decided-by.ts'
import { noBody } from '../../common/json-operation.ts'
import { json } from '../../common/reply.ts'
import { type AdminContext, defineOperation, notAllowed } from '../context.ts'
import { affected, affectedBucket, sums, sumsOf } from '../impact/key-impact.ts'
import { recentReaders, recentReadersOf } from '../impact/recent-readers.ts'
import { rootKeyFace } from '../key-sight.ts'
import { authorizationOf } from '../readers/root-keys.ts'

const reply = z.object({
  authorization: z.string(),
  total: sums,
  buckets: z
    .array(affectedBucket.extend({ rootKey: rootKeyFace }))
    .meta({ description: 'That need it: without it their root keys are not open to them. The largest first.' }),
  kept: z
    .array(z.object({ bucket: z.string(), rootKey: rootKeyFace, decidedBy }))
    .meta({ description: 'That it speaks of as well, and that something else lets use their keys.' }),
  hidden: z.int().meta({ description: 'Further buckets that the caller may not see.' }),
  recent: recentReaders.optional(),
})

type Impact = z.output<typeof reply>

export const getAuthorizationImpact = defineOperation({
  name: 'GetAuthorizationImpact',
  summary:
    'What goes dark when an authorization is deleted. Decided by the functions that decide about requests, as if it were not there.',
  method: 'GET',
  path: '/admin/v1/authorizations/:id/impact',
  body: noBody,
  reply,
  run: async ({ request }, context) => {
    const { id } = authorizationFor(context, request.param('id'))
    const usages = new Map<string, KeyUsage>()
    const needing: Impact['buckets'] = []
    const kept: Impact['kept'] = []
    let hidden = 0
    for (const { bucket, rootKeyCrn } of pairsOf(context)) {
      const now = authorizationOf(context, bucket, rootKeyCrn)
      const without = authorizationOf(context, bucket, rootKeyCrn, id)
      if (!now?.allowed || now.reason === without?.reason) continue
      if (!(context.mayListUses(rootKeyCrn) || context.may(bucket, 's3:GetEncryptionConfiguration'))) {
        hidden++
        continue
      }
      const rootKey = context.keys.of(rootKeyCrn)
      if (without?.allowed) {
        kept.push({ bucket: bucket.name, rootKey, decidedBy: decidedByOf(without.reason) })
        continue
      }
      const usage = usages.get(rootKeyCrn) ?? (await context.objects.keyUsage(rootKeyCrn))
      usages.set(rootKeyCrn, usage)
      const use = usage.buckets.find(({ name }) => name === bucket.name)
      if (use) needing.push({ ...(await affected(context, bucket, rootKeyCrn, use)), rootKey })
    }
    const names = new Set(needing.map(({ bucket, rootKey }) => `${bucket} ${rootKey.crn}`))
    const recent = await recentReadersOf(context, (key, bucket) => names.has(`${bucket} ${key}`))
    return json(200, {
      ...{ authorization: id, total: sumsOf(needing), kept, hidden },
      buckets: needing.sort((one, other) => other.bytes - one.bytes),
      ...(recent ? { recent } : {}),
    } satisfies Impact)
  },
})

/** Throws PolicyNotFound, also to other accounts, and NotPermitted. */
function authorizationFor({ iam, principal }: AdminContext, id: string): Policy {
  const policy = iam.policies.get(id)
  const isThere = policy?.type === 'authorization' && policy.state === 'active'
  if (!isThere || policy.accountId !== principal.accountId) {
    throw new CodedError<IamErrorCode>('PolicyNotFound', 'There is no authorization of this id.')
  }
  if (!iam.decidePolicy(principal, 'iam.policy.read', policy).allowed) throw notAllowed('iam.policy.read')
  return policy
}

function* pairsOf({ objects }: AdminContext): Generator<{ readonly bucket: Bucket; readonly rootKeyCrn: string }> {
  for (const bucket of objects.buckets.all()) {
    for (const rootKeyCrn of new Set(bucket.slots.map((slot) => slot.rootKeyCrn))) yield { bucket, rootKeyCrn }
  }
}
