import { defineOperation } from '../operation.ts'
import { located } from '../target.ts'
import { uploadTarget } from '../upload-target.ts'

export const abortMultipartUpload = defineOperation({
  name: 'AbortMultipartUpload',
  method: 'DELETE',
  on: 'object',
  query: { uploadId: true },
  action: 's3:AbortMultipartUpload',
  parse: uploadTarget,
  run: async ({ uploadId, ...target }, context) => {
    await context.objects.abortUpload({ ...located(target, context), uploadId })
    return { status: 204 }
  },
})
