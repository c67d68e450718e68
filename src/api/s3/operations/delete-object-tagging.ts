import { defineOperation } from '../operation.ts'
import { located, nullVersion, objectTarget } from '../target.ts'

export const deleteObjectTagging = defineOperation({
  name: 'DeleteObjectTagging',
  method: 'DELETE',
  on: 'object',
  query: { tagging: true },
  takes: ['versionId'],
  action: 's3:DeleteObjectTagging',
  parse: (request) => {
    nullVersion(request)
    return objectTarget(request)
  },
  run: async (target, context) => {
    await context.objects.changeProperties(located(target, context), ({ tags: _, ...rest }) => rest)
    return { status: 204 }
  },
})
