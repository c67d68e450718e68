import { S3Error } from '../error-codes.ts'
import { checkedHoldId } from '../lock/protection.ts'
import { defineOperation } from '../operation.ts'
import { located, objectTarget } from '../target.ts'

export const addLegalHold = defineOperation({
  name: 'AddLegalHold',
  method: 'POST',
  on: 'object',
  query: { legalHold: true, add: true },
  action: 's3:AddLegalHold',
  parse: (request) => {
    if (request.query.has('remove')) {
      throw new S3Error('InvalidRequest', 'A legal hold is either added or removed.')
    }
    return { target: objectTarget(request), id: checkedHoldId('add', request.query.get('add') ?? '') }
  },
  run: async ({ target, id }, context) => {
    await context.objects.changeHold({ ...located(target, context), id, act: 'add' })
    return { status: 200, headers: { 'content-length': 0 } }
  },
})
