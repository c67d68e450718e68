import { ofBuckets } from '../../../objects/key-usage.ts'
import { noBody } from '../../common/json-operation.ts'
import { queryOf } from '../../common/query-of.ts'
import { json } from '../../common/reply.ts'
import { defineOperation, notPermitted } from '../context.ts'
import { knownKey, takesKey } from '../named-key.ts'
import { keyUsageReply } from '../reply-schemas.ts'

/** Whoever may list a key's registrations sees every use; whoever manages buckets sees theirs. */
export const getKeyUsage = defineOperation({
  name: 'GetKeyUsage',
  summary: 'What lies under each version of a root key.',
  method: 'GET',
  path: '/admin/v1/keys/usage',
  takes: takesKey,
  body: noBody,
  reply: keyUsageReply,
  run: async ({ request }, context) => {
    const { crn: rootKeyCrn } = queryOf(request, takesKey)
    const { objects, wrapBudgets, may, mayListUses, rewrapsByItself } = context
    const all = mayListUses(rootKeyCrn)
    const usage = await knownKey(context, rootKeyCrn, all)
    if (all)
      return json(200, {
        ...usage,
        rewrapsByItself,
        wrapBudgets: wrapBudgets().filter((of) => of.rootKeyCrn === rootKeyCrn),
      })
    const mine = usage.buckets.filter(({ name }) => {
      const bucket = objects.buckets.find(name)
      return bucket !== undefined && may(bucket, 's3:GetEncryptionConfiguration')
    })
    if (mine.length === 0) throw notPermitted()
    return json(200, { ...ofBuckets(rootKeyCrn, mine), rewrapsByItself })
  },
})
