import { parseNewPolicy } from '../../../access/policy.ts'
import { principalIds } from '../../../access/principal-ids.ts'
import { isPublicPolicy } from '../../../access/public.ts'
import { blockOf, bucketPolicy } from '../access/documents.ts'
import { readXmlBody } from '../checksum-headers.ts'
import { S3Error } from '../error-codes.ts'
import { defineOperation } from '../operation.ts'
import { bucketTarget } from '../target.ts'

/** S3: 20 KB, not counting white space. */
const MAX_BODY_BYTES = 256 * 1024

export const putBucketPolicy = defineOperation({
  name: 'PutBucketPolicy',
  method: 'PUT',
  on: 'bucket',
  query: { policy: true },
  action: 's3:PutBucketPolicy',
  parse: bucketTarget,
  run: async (name, { objects, request, body, identities }) => {
    const bucket = objects.buckets.get(name)
    const text = textOf(await readXmlBody(request, body, { maxBytes: MAX_BODY_BYTES }))
    const policy = parseNewPolicy(text, { of: 'bucket', bucket: name })
    const ids = principalIds(policy, identities)
    if (isPublicPolicy(policy) && blockOf(objects, bucket).blockPublicPolicy) throw new S3Error('AccessDenied')
    await bucketPolicy.change(objects, bucket, { text, ids })
    return { status: 204 }
  },
})

const utf8 = new TextDecoder('utf-8', { fatal: true })

function textOf(body: Buffer): string {
  if (body.length === 0) throw new S3Error('MissingRequestBodyError')
  try {
    return utf8.decode(body)
  } catch (cause) {
    throw new S3Error('MalformedPolicy', "Policies must be valid JSON and the first byte must be '{'", { cause })
  }
}
