import { defineOperation } from '../operation.ts'
import { refuseUnsupported } from '../refused-headers.ts'
import { located, nullVersion, objectTarget, unquoted } from '../target.ts'

export const deleteObject = defineOperation({
  name: 'DeleteObject',
  method: 'DELETE',
  on: 'object',
  takes: ['versionId'],
  action: 's3:DeleteObject',
  parse: (request) => {
    nullVersion(request)
    refuseUnsupported(request)
    const ifMatch = request.headers.get('if-match')
    return { target: objectTarget(request), conditions: ifMatch === undefined ? {} : { ifMatch: unquoted(ifMatch) } }
  },
  run: async ({ target, conditions }, context) => {
    await context.objects.delete({ ...located(target, context), conditions })
    return { status: 204 }
  },
})
