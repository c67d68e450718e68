import { extensionOf } from '../lock/protection.ts'
import { defineOperation } from '../operation.ts'
import { located, objectTarget } from '../target.ts'

export const extendObjectRetention = defineOperation({
  name: 'ExtendObjectRetention',
  method: 'POST',
  on: 'object',
  query: { extendRetention: true },
  action: 's3:ExtendObjectRetention',
  parse: (request) => ({ target: objectTarget(request), by: extensionOf(request) }),
  run: async ({ target, by }, context) => {
    await context.objects.extendRetention({ ...located(target, context), by })
    return { status: 200, headers: { 'content-length': 0 } }
  },
})
