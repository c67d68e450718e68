import type { Upload } from '../../objects/uploads.ts'
import { S3Error } from './error-codes.ts'
import type { OperationContext } from './operation.ts'
import type { S3Request } from './request.ts'
import { integer, located, type ObjectTarget, objectTarget } from './target.ts'

export interface UploadTarget extends ObjectTarget {
  readonly uploadId: string
}

export const uploadTarget = (request: S3Request): UploadTarget => ({
  ...objectTarget(request),
  uploadId: request.query.get('uploadId') ?? '',
})

export function partNumberOf({ query }: S3Request): number {
  const text = query.get('partNumber') ?? ''
  try {
    return integer('partNumber', text, 1, 10_000)
  } catch {
    throw new S3Error('InvalidArgument', 'Part number must be an integer between 1 and 10000, inclusive', {
      extra: { ArgumentName: 'partNumber', ArgumentValue: text },
    })
  }
}

export const locatedUpload = ({ uploadId, ...target }: UploadTarget, context: OperationContext): Promise<Upload> =>
  context.objects.findUpload({ ...located(target, context), uploadId })
