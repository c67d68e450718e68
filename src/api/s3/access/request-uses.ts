import type { Tag } from '../../../objects/object-properties.ts'
import type { ResourceUse, S3Action, S3Operation, SignedForm } from '../operation.ts'
import type { S3Request } from '../request.ts'
import { headerTags, objectTags } from '../tags.ts'

export interface RequestToUse {
  readonly operation: Pick<S3Operation, 'action' | 'versionAction' | 'alsoNeeds' | 'alsoUses'>
  readonly request: S3Request
  readonly form?: SignedForm | undefined
}

/** All that the request does, as far as it tells without its body; the source of a copy last. */
export function usesOfRequest({ operation, request, form }: RequestToUse): ResourceUse[] {
  const key = request.key ?? form?.key
  const versionId = request.query.get('versionId')
  const action = versionId === undefined ? operation.action : (operation.versionAction ?? operation.action)
  const where = { bucket: request.bucket ?? '', key, versionId }
  const needs = operation.alsoNeeds?.(request, form) ?? []
  const source = operation.alsoUses?.(request)
  return [
    { ...where, action },
    ...needs.map((one) => ({ ...where, action: one, ...(tagsByForm(one, form) ? { within: action } : {}) })),
    ...(source ? [source] : []),
  ]
}

/** S3: whom an ACL lets upload by a form, it lets tag what that uploads; it gives no other right beside the one to write. */
const tagsByForm = (action: S3Action, form: SignedForm | undefined): boolean =>
  action === 's3:PutObjectTagging' && form?.fields.has('tagging') === true

/** That the request gives. Where no right to tag is needed, the header has no effect: what there is says which tags come. */
export function tagsOfRequest({
  operation,
  request,
  form,
}: Omit<RequestToUse, 'operation'> & { readonly operation: Pick<S3Operation, 'alsoNeeds'> }): readonly Tag[] {
  if (!operation.alsoNeeds?.(request, form).includes('s3:PutObjectTagging')) return []
  const tagging = form?.fields.get('tagging')
  return tagging === undefined ? headerTags(request) : objectTags(tagging)
}
