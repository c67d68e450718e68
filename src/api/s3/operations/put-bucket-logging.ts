import { isPublicAcl, type Permission, privateAcl } from '../../../access/acl.ts'
import type { Logging } from '../../../objects/access-log-target.ts'
import type { Json } from '../../../objects/bucket-document.ts'
import { parseGrant } from '../access/acl-xml.ts'
import { aclToJson, blockOf, ownershipOf } from '../access/documents.ts'
import { readXmlBody } from '../checksum-headers.ts'
import { S3Error } from '../error-codes.ts'
import { defineOperation, type OperationContext } from '../operation.ts'
import { bucketTarget } from '../target.ts'
import { parseXml, type XmlElement } from '../xml/decode.ts'

const MAX_BODY_BYTES = 64 * 1024
const MAX_PREFIX_BYTES = 512
const LOG_PERMISSIONS: readonly Permission[] = ['FULL_CONTROL', 'READ', 'WRITE']

export const putBucketLogging = defineOperation({
  name: 'PutBucketLogging',
  method: 'PUT',
  on: 'bucket',
  query: { logging: true },
  action: 's3:PutBucketLogging',
  parse: bucketTarget,
  run: async (name, context) => {
    const { objects, request, body } = context
    const bucket = objects.buckets.get(name)
    const root = parseXml(await readXmlBody(request, body, { maxBytes: MAX_BODY_BYTES }), 'BucketLoggingStatus')
    root.allow('LoggingEnabled')
    const enabled = root.child('LoggingEnabled')
    const logging = enabled && readLogging(enabled)
    if (logging) await checkTarget(name, logging, context)
    const acl = enabled && logging && granted(enabled.child('TargetGrants'), logging, context)
    await objects.changeDocument(bucket, 'logging', () => (acl === undefined ? logging : { ...logging, acl }))
    return { status: 200, headers: { 'content-length': 0 } }
  },
})

function readLogging(element: XmlElement): Logging {
  element.allow('TargetBucket', 'TargetPrefix', 'TargetGrants', 'TargetObjectKeyFormat')
  const targetBucket = element.text('TargetBucket')
  const targetPrefix = element.text('TargetPrefix')
  if (targetBucket === undefined || targetPrefix === undefined) throw new S3Error('MalformedXML')
  if (Buffer.byteLength(targetPrefix) > MAX_PREFIX_BYTES) {
    throw new S3Error('InvalidArgument', 'The target prefix is too long.')
  }
  const format = element.child('TargetObjectKeyFormat')
  return { targetBucket, targetPrefix, ...(format ? readFormat(format) : {}) }
}

/** The ACL of the logs. Only where objects can have one. */
function granted(
  element: XmlElement | undefined,
  { targetBucket }: Logging,
  { objects, accounts }: OperationContext,
): Json | undefined {
  element?.allow('Grant')
  if (!element || element.elements.length === 0) return undefined
  const target = objects.buckets.get(targetBucket)
  if (ownershipOf(objects, target) === 'BucketOwnerEnforced') throw new S3Error('InvalidBucketAclWithObjectOwnership')
  const given = element.elements.map((grant) => parseGrant(grant, accounts))
  if (given.some(({ permission }) => !LOG_PERMISSIONS.includes(permission))) throw new S3Error('MalformedXML')
  const acl = { owner: target.ownerId, grants: [...privateAcl(target.ownerId).grants, ...given] }
  if (isPublicAcl(acl) && blockOf(objects, target).blockPublicAcls) throw new S3Error('AccessDenied')
  return aclToJson(acl)
}

function readFormat(element: XmlElement): Pick<Logging, 'partitionedBy'> {
  element.allow('SimplePrefix', 'PartitionedPrefix')
  if (element.elements.length !== 1) throw new S3Error('MalformedXML')
  const partitioned = element.child('PartitionedPrefix')
  if (!partitioned) return {}
  partitioned.allow('PartitionDateSource')
  const source = partitioned.text('PartitionDateSource')
  if (source !== 'EventTime' && source !== 'DeliveryTime') throw new S3Error('MalformedXML')
  return { partitionedBy: source }
}

/** S3 writes logs as a service of its own; whoever sets them up here must be allowed to write them himself. */
async function checkTarget(
  name: string,
  { targetBucket, targetPrefix }: Logging,
  { objects, require }: OperationContext,
): Promise<void> {
  const refused = (message: string) => new S3Error('InvalidTargetBucketForLogging', message)
  const target = objects.buckets.find(targetBucket)
  if (!target) throw refused('The target bucket for logging does not exist')
  if (target.serviceInstanceCrn !== objects.buckets.get(name).serviceInstanceCrn) {
    throw refused('The owner for the bucket to be logged and the target bucket must be the same.')
  }
  await require({ bucket: targetBucket, key: targetPrefix, action: 's3:PutObject' })
}
