import { z } from 'zod'
import { S3Error } from './error-codes.ts'
import { storedDocument } from './stored-document.ts'
import { parseXml } from './xml/decode.ts'

const payer = z.enum(['BucketOwner', 'Requester'])
export type Payer = z.infer<typeof payer>

/** No document: the bucket's owner. */
export const requestPayment = storedDocument('requestPayment', payer)

export const REQUEST_PAYMENT_BODY = { maxBytes: 4 * 1024 } as const

/** `<RequestPaymentConfiguration><Payer/></RequestPaymentConfiguration>` */
export function readPayer(document: Buffer): Payer {
  const root = parseXml(document, 'RequestPaymentConfiguration', REQUEST_PAYMENT_BODY.maxBytes)
  root.allow('Payer')
  const text = root.text('Payer')
  if (text !== 'BucketOwner' && text !== 'Requester') throw new S3Error('MalformedXML')
  return text
}
