import { parseCrn } from '../../../base/crn.ts'
import { CodedError } from '../../../base/errors.ts'
import type { KmsErrorCode } from '../../../kms/errors.ts'
import { ofBuckets } from '../../../objects/key-usage.ts'
import { noBody } from '../../common/json-operation.ts'
import { json } from '../../common/reply.ts'
import type { RequestErrorCode } from '../../common/request.ts'
import { defineOperation, notPermitted } from '../context.ts'

/**
 * Whoever may list a key's registrations sees every use; whoever manages buckets sees theirs. "Not used" must not be the
 * answer to a misspelt name: somebody deletes a key on the strength of it.
 */
export const getKeyUsage = defineOperation({
  name: 'GetKeyUsage',
  method: 'GET',
  path: '/admin/v1/keys/usage',
  body: noBody,
  run: async ({ request }, { objects, wrapBudgets, may, mayListUses, knowsKey }) => {
    const rootKeyCrn = request.query.get('crn')
    if (rootKeyCrn === undefined) {
      throw new CodedError<RequestErrorCode>('BadQuery', 'the query parameter crn names the root key')
    }
    if (!namesKey(rootKeyCrn)) {
      throw new CodedError<RequestErrorCode>(
        'BadQuery',
        'crn is not the CRN of a root key: crn:v1:…:kms:…:key:<key id>',
      )
    }
    const all = mayListUses(rootKeyCrn)
    const usage = await objects.keyUsage(rootKeyCrn)
    if (all && usage.buckets.length === 0 && knowsKey(rootKeyCrn) === false) {
      throw new CodedError<KmsErrorCode>('KeyNotFound', 'There is no root key of this CRN.')
    }
    if (all) return json(200, { ...usage, wrapBudgets: wrapBudgets().filter((of) => of.rootKeyCrn === rootKeyCrn) })
    const mine = usage.buckets.filter(({ name }) => {
      const bucket = objects.buckets.find(name)
      return bucket !== undefined && may(bucket, 's3:GetEncryptionConfiguration')
    })
    if (mine.length === 0) throw notPermitted()
    return json(200, ofBuckets(rootKeyCrn, mine))
  },
})

function namesKey(crn: string): boolean {
  const { service, resourceType, instance, resource } = parseCrn(crn)
  return service === 'kms' && resourceType === 'key' && instance !== '' && resource !== ''
}
