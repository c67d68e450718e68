import { z } from 'zod'
import { parseCrn } from '../../../base/crn.ts'
import { noBody } from '../../common/json-operation.ts'
import { queryOf } from '../../common/query-of.ts'
import { json } from '../../common/reply.ts'
import { type AdminContext, defineOperation, notPermitted } from '../context.ts'
import { affected, affectedBucket, sums, sumsOf } from '../impact/key-impact.ts'
import { recentReaders, recentReadersOf } from '../impact/recent-readers.ts'
import { rootKeyFace } from '../key-sight.ts'
import { knownKey, takesKey } from '../named-key.ts'

const reply = z.object({
  rootKey: rootKeyFace,
  total: sums,
  buckets: z.array(affectedBucket).meta({ description: 'The largest first.' }),
  hidden: z.int().meta({ description: 'Further buckets that the caller may not see.' }),
  recent: recentReaders.optional(),
})

export const getKeyImpact = defineOperation({
  name: 'GetKeyImpact',
  summary: 'What goes dark when a root key is disabled, deleted or not authorized any more, and who would notice.',
  method: 'GET',
  path: '/admin/v1/keys/impact',
  takes: takesKey,
  body: noBody,
  reply,
  run: async ({ request }, context) => {
    const { crn } = queryOf(request, takesKey)
    const all = context.mayListUses(crn)
    const usage = await knownKey(context, crn, all)
    const uses = usage.buckets.flatMap((use) => {
      const bucket = context.objects.buckets.find(use.name)
      return bucket && (all || context.may(bucket, 's3:GetEncryptionConfiguration')) ? [{ bucket, use }] : []
    })
    if (!all && uses.length === 0) throw notPermitted()
    const buckets = await Promise.all(uses.map(({ bucket, use }) => affected(context, bucket, crn, use)))
    const recent = await recentReadersOf(context, (key) => key === crn)
    return json(200, {
      ...{ rootKey: context.keys.of(crn), total: sumsOf(buckets) },
      buckets: buckets.sort((one, other) => other.bytes - one.bytes),
      hidden: usage.buckets.filter(({ name }) => isCounted(context, crn, name)).length - buckets.length,
      ...(recent ? { recent } : {}),
    } satisfies z.input<typeof reply>)
  },
})

/** How many buckets of other accounts are under a key is for the account of the key to know: the store's own has all. */
function isCounted({ objects, principal }: AdminContext, rootKeyCrn: string, name: string): boolean {
  const bucket = objects.buckets.find(name)
  const isOwn = (crn: string): boolean => parseCrn(crn).account === principal.accountId
  return isOwn(rootKeyCrn) || (bucket !== undefined && isOwn(bucket.serviceInstanceCrn))
}
