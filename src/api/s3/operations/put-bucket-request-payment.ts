import { readXmlBody } from '../checksum-headers.ts'
import { defineOperation } from '../operation.ts'
import { REQUEST_PAYMENT_BODY, readPayer, requestPayment } from '../request-payment.ts'
import { bucketTarget } from '../target.ts'

/** Nobody is billed by Coffer: what is set is told, and `x-amz-request-payer` is taken and changes nothing. */
export const putBucketRequestPayment = defineOperation({
  name: 'PutBucketRequestPayment',
  method: 'PUT',
  on: 'bucket',
  query: { requestPayment: true },
  action: 's3:PutBucketRequestPayment',
  parse: bucketTarget,
  run: async (name, { objects, request, body }) => {
    const bucket = objects.buckets.get(name)
    const payer = readPayer(await readXmlBody(request, body, REQUEST_PAYMENT_BODY))
    await requestPayment.change(objects, bucket, payer)
    return { status: 200, headers: { 'content-length': 0 } }
  },
})
