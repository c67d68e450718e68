import { defineOperation } from '../operation.ts'
import { requestPayment } from '../request-payment.ts'
import { bucketTarget } from '../target.ts'
import { xmlReply } from '../xml-reply.ts'

export const getBucketRequestPayment = defineOperation({
  name: 'GetBucketRequestPayment',
  method: 'GET',
  on: 'bucket',
  query: { requestPayment: true },
  action: 's3:GetBucketRequestPayment',
  parse: bucketTarget,
  run: async (name, { objects }) => {
    const payer = requestPayment.of(objects, objects.buckets.get(name)) ?? 'BucketOwner'
    return xmlReply('RequestPaymentConfiguration', { Payer: payer })
  },
})
