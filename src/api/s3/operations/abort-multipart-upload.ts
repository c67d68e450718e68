import { defineOperation } from '../operation.ts'
import { locatedUpload, uploadTarget } from '../upload-target.ts'

export const abortMultipartUpload = defineOperation({
  name: 'AbortMultipartUpload',
  method: 'DELETE',
  on: 'object',
  query: { uploadId: true },
  action: 's3:AbortMultipartUpload',
  parse: uploadTarget,
  run: async (target, context) => {
    await context.objects.abortUpload(await locatedUpload(target, context))
    return { status: 204 }
  },
})
