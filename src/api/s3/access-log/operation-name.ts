import type { S3Operation } from '../operation.ts'

/** What S3 calls operations in access logs, where that is not their method and what they are on. */
const NAMES: Readonly<Record<string, string>> = {
  AbortMultipartUpload: 'REST.DELETE.UPLOAD',
  CompleteMultipartUpload: 'REST.POST.UPLOAD',
  CopyObject: 'REST.COPY.OBJECT',
  CreateMultipartUpload: 'REST.POST.UPLOADS',
  DeleteObjects: 'REST.POST.MULTI_OBJECT_DELETE',
  ListMultipartUploads: 'REST.GET.UPLOADS',
  ListObjectVersions: 'REST.GET.BUCKETVERSIONS',
  ListParts: 'REST.GET.UPLOAD',
  PostObject: 'REST.POST.OBJECT',
  UploadPart: 'REST.PUT.PART',
  UploadPartCopy: 'REST.COPY.PART',
}

/** Of the source of a copy. */
export const SOURCE_NAMES: Readonly<Record<string, string>> = {
  CopyObject: 'REST.COPY.OBJECT_GET',
  UploadPartCopy: 'REST.COPY.PART_GET',
}

/** Subresources whose names there are not their parameter's. */
const RESOURCES: Readonly<Record<string, string>> = {
  acl: 'ACL',
  logging: 'LOGGING_STATUS',
  policy: 'BUCKETPOLICY',
  publicAccessBlock: 'PUBLIC_ACCESS_BLOCK',
  retention: 'OBJECT_LOCK_RETENTION',
  'legal-hold': 'OBJECT_LOCK_LEGALHOLD',
  'object-lock': 'OBJECT_LOCK_CONFIGURATION',
  ownershipControls: 'OWNERSHIP_CONTROLS',
}

/** Parameters that choose between variants of what is on a bucket or object itself. */
const NO_RESOURCE: ReadonlySet<string> = new Set(['list-type', 'delete'])

export function loggedOperation({ name, method, on, query = {} }: S3Operation): string {
  const known = NAMES[name]
  if (known !== undefined) return known
  const parameter = Object.keys(query).find((one) => !NO_RESOURCE.has(one))
  const itself = on === 'object' ? 'OBJECT' : 'BUCKET'
  if (parameter === undefined) return `REST.${method}.${itself}`
  const resource = RESOURCES[parameter] ?? parameter.replaceAll('-', '_').toUpperCase()
  return `REST.${method}.${on === 'object' && parameter === 'tagging' ? 'OBJECT_TAGGING' : resource}`
}
