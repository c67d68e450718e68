import { publicAccessBlock } from '../access/documents.ts'
import { readXmlBody } from '../checksum-headers.ts'
import { S3Error } from '../error-codes.ts'
import { defineOperation } from '../operation.ts'
import { bucketTarget } from '../target.ts'
import { parseXml, type XmlElement } from '../xml/decode.ts'

const MAX_BODY_BYTES = 16 * 1024
const MEMBERS = ['BlockPublicAcls', 'IgnorePublicAcls', 'BlockPublicPolicy', 'RestrictPublicBuckets'] as const

export const putPublicAccessBlock = defineOperation({
  name: 'PutPublicAccessBlock',
  method: 'PUT',
  on: 'bucket',
  query: { publicAccessBlock: true },
  action: 's3:PutBucketPublicAccessBlock',
  parse: bucketTarget,
  run: async (name, { objects, request, body }) => {
    const bucket = objects.buckets.get(name)
    const document = await readXmlBody(request, body, { maxBytes: MAX_BODY_BYTES })
    const root = parseXml(document, 'PublicAccessBlockConfiguration', MAX_BODY_BYTES)
    root.allow(...MEMBERS)
    await publicAccessBlock.change(objects, bucket, {
      blockPublicAcls: flag(root, 'BlockPublicAcls'),
      ignorePublicAcls: flag(root, 'IgnorePublicAcls'),
      blockPublicPolicy: flag(root, 'BlockPublicPolicy'),
      restrictPublicBuckets: flag(root, 'RestrictPublicBuckets'),
    })
    return { status: 200, headers: { 'content-length': 0 } }
  },
})

/** S3: what is left out is off. */
function flag(root: XmlElement, name: (typeof MEMBERS)[number]): boolean {
  const text = root.text(name)?.trim().toLowerCase() ?? 'false'
  if (text !== 'true' && text !== 'false') throw new S3Error('MalformedXML')
  return text === 'true'
}
