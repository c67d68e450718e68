import { hashOf } from '../../base/checksums.ts'
import { decodeBase64 } from '../../base/decode.ts'
import { S3Error } from './error-codes.ts'
import type { S3Request } from './request.ts'

/** A key that the customer keeps (SSE-C), as one request brought it. */
export interface CustomerKey {
  /** 32 bytes. */
  readonly key: Buffer
  /** Base64 of its MD5, as sent and verified: told in the answer. */
  readonly md5: string
}

export const CUSTOMER = 'x-amz-server-side-encryption-customer-'
export const CUSTOMER_OF_SOURCE = 'x-amz-copy-source-server-side-encryption-customer-'
const namesWith = (prefix: string) => ({
  algorithm: `${prefix}algorithm`,
  key: `${prefix}key`,
  md5: `${prefix}key-md5`,
})
const OF_OBJECT = namesWith(CUSTOMER)
const OF_SOURCE = namesWith(CUSTOMER_OF_SOURCE)
const KEY_BYTES = 32

/** Undefined when the request has none. Throws what AWS answers to headers that are not whole or do not fit. */
export const customerKeyOf = (request: S3Request): CustomerKey | undefined => customerKeyIn(request, OF_OBJECT)
/** Of the object that is copied. */
export const sourceKeyOf = (request: S3Request): CustomerKey | undefined => customerKeyIn(request, OF_SOURCE)

function customerKeyIn({ headers }: S3Request, names: typeof OF_OBJECT): CustomerKey | undefined {
  if (!headers.has(names.algorithm) && !headers.has(names.key) && !headers.has(names.md5)) return undefined
  const algorithm = headers.get(names.algorithm)
  if (algorithm === undefined) throw lacking(names.algorithm, 'a valid encryption algorithm')
  if (algorithm !== 'AES256') {
    throw new S3Error(
      'InvalidEncryptionAlgorithmError',
      'The Encryption request you specified is not valid. Supported value: AES256.',
      { extra: { ArgumentName: names.algorithm, ArgumentValue: algorithm } },
    )
  }
  const text = headers.get(names.key)
  if (text === undefined) throw lacking(names.key, 'an appropriate secret key')
  const md5 = headers.get(names.md5)
  if (md5 === undefined) throw lacking(names.md5, 'the client calculated MD5 of the secret key')
  const key = decodeBase64(text)
  if (key?.length !== KEY_BYTES) {
    throw invalid(names.key, 'The secret key was invalid for the specified algorithm.')
  }
  if (hashOf('md5', key).toString('base64') === md5) return { key, md5 }
  key.fill(0)
  throw invalid(names.md5, 'The calculated MD5 hash of the key did not match the hash that was provided.')
}

const lacking = (name: string, what: string): S3Error =>
  invalid(name, `Requests specifying Server Side Encryption with Customer provided keys must provide ${what}.`)

/** The value stays out of it: it may be the key. */
const invalid = (name: string, message: string): S3Error =>
  new S3Error('InvalidArgument', message, { extra: { ArgumentName: name, ArgumentValue: 'null' } })
