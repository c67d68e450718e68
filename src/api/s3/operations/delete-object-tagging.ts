import { defineOperation } from '../operation.ts'
import { located, objectTarget } from '../target.ts'
import { versionHeader } from '../version-headers.ts'

export const deleteObjectTagging = defineOperation({
  name: 'DeleteObjectTagging',
  method: 'DELETE',
  on: 'object',
  query: { tagging: true },
  takes: ['versionId'],
  action: 's3:DeleteObjectTagging',
  versionAction: 's3:DeleteObjectVersionTagging',
  parse: objectTarget,
  run: async (target, context) => {
    const where = located(target, context)
    const { versionId } = await context.objects.changeProperties(where, ({ tags: _, ...rest }) => rest)
    return { status: 204, headers: versionHeader(where.bucket, versionId) }
  },
})
