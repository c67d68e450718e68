import { isPrivateAcl } from '../../../access/acl.ts'
import { aclOf, OWNERSHIPS, ownershipControls } from '../access/documents.ts'
import { readXmlBody } from '../checksum-headers.ts'
import { S3Error } from '../error-codes.ts'
import { defineOperation } from '../operation.ts'
import { bucketTarget } from '../target.ts'
import { parseXml } from '../xml/decode.ts'

const MAX_BODY_BYTES = 16 * 1024

export const putBucketOwnershipControls = defineOperation({
  name: 'PutBucketOwnershipControls',
  method: 'PUT',
  on: 'bucket',
  query: { ownershipControls: true },
  action: 's3:PutBucketOwnershipControls',
  parse: bucketTarget,
  run: async (name, { objects, request, body }) => {
    const bucket = objects.buckets.get(name)
    const root = parseXml(await readXmlBody(request, body, { maxBytes: MAX_BODY_BYTES }), 'OwnershipControls')
    root.allow('Rule')
    const rule = root.child('Rule')
    rule?.allow('ObjectOwnership')
    const wanted = rule?.text('ObjectOwnership')
    const ownership = OWNERSHIPS.find((one) => one === wanted)
    if (!ownership) throw new S3Error('MalformedXML')
    await ownershipControls.change(objects, bucket, () => {
      if (ownership === 'BucketOwnerEnforced' && !isPrivateAcl(aclOf(objects, bucket))) {
        throw new S3Error('InvalidBucketAclWithObjectOwnership')
      }
      return ownership
    })
    return { status: 200, headers: { 'content-length': 0 } }
  },
})
