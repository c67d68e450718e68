import { checkedHoldId } from '../lock/protection.ts'
import { defineOperation } from '../operation.ts'
import { located, objectTarget } from '../target.ts'

export const deleteLegalHold = defineOperation({
  name: 'DeleteLegalHold',
  method: 'POST',
  on: 'object',
  query: { legalHold: true, remove: true },
  action: 's3:AddLegalHold',
  parse: (request) => ({
    target: objectTarget(request),
    id: checkedHoldId('remove', request.query.get('remove') ?? ''),
  }),
  run: async ({ target, id }, context) => {
    await context.objects.changeHold({ ...located(target, context), id, act: 'remove' })
    return { status: 200, headers: { 'content-length': 0 } }
  },
})
