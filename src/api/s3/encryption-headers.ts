import { decodeBase64 } from '../../base/decode.ts'
import { ALGORITHMS, type Algorithm } from '../../objects/encrypting.ts'
import { type CustomerKey, customerKeyOf } from './customer-key.ts'
import { S3Error } from './error-codes.ts'
import type { S3Request } from './request.ts'

export const SSE = 'x-amz-server-side-encryption'
const KEY_ID = `${SSE}-aws-kms-key-id`
const CONTEXT = `${SSE}-context`
const BUCKET_KEY = `${SSE}-bucket-key-enabled`

/** What the headers of a request that stores something ask for. */
export interface RequestedEncryption {
  readonly algorithm: Algorithm | undefined
  /** A root key as the client names it: CRN, id, alias or ARN. */
  readonly keyName: string | undefined
  readonly context: EncryptionContext | undefined
  readonly bucketKey: boolean | undefined
  readonly customerKey: CustomerKey | undefined
}

export interface EncryptionContext {
  readonly values: Readonly<Record<string, string>>
  /** As sent: told in the answer. */
  readonly header: string
}

/** What can be said of the headers alone, before the bucket is looked at. */
export function requestedEncryption(request: S3Request): RequestedEncryption {
  const { headers } = request
  const customerKey = customerKeyOf(request)
  const asked = headers.get(SSE)
  if (customerKey && asked !== undefined) {
    throw invalid(
      SSE,
      asked,
      'Server Side Encryption with Customer provided key is incompatible with the encryption method specified',
    )
  }
  const algorithm = ALGORITHMS.find((name) => name === asked)
  if (asked !== undefined && !algorithm) {
    throw invalid(SSE, asked, 'The encryption method specified is not supported')
  }
  const keyName = headers.get(KEY_ID)
  const kms = algorithm === 'aws:kms' || algorithm === 'aws:kms:dsse'
  if (!kms && (keyName !== undefined || headers.has(CONTEXT))) {
    throw invalid(
      SSE,
      asked ?? 'null',
      'Server Side Encryption with AWS KMS managed key requires HTTP header x-amz-server-side-encryption : aws:kms',
    )
  }
  const bucketKey = wantedBucketKey(request)
  if (bucketKey && algorithm === 'aws:kms:dsse') {
    throw invalid(BUCKET_KEY, 'true', 'An S3 Bucket Key cannot be used with aws:kms:dsse.')
  }
  return { algorithm, keyName, context: contextOf(request), bucketKey, customerKey }
}

/** Undefined: as the bucket has it. */
function wantedBucketKey({ headers }: S3Request): boolean | undefined {
  const value = headers.get(BUCKET_KEY)
  if (value === undefined) return undefined
  if (/^(true|false)$/i.test(value)) return value.toLowerCase() === 'true'
  throw invalid(BUCKET_KEY, value, `The ${BUCKET_KEY} value must be true or false.`)
}

const utf8 = new TextDecoder('utf-8', { fatal: true })

function contextOf({ headers }: S3Request): EncryptionContext | undefined {
  const header = headers.get(CONTEXT)
  if (header === undefined) return undefined
  const values = contextFrom(header)
  if (values) return { values, header }
  throw invalid(
    CONTEXT,
    header,
    `The header '${CONTEXT}' shall be Base64-encoded UTF-8 string holding JSON which represents a string-string map`,
  )
}

function contextFrom(header: string): Readonly<Record<string, string>> | undefined {
  try {
    const json: unknown = JSON.parse(utf8.decode(decodeBase64(header)))
    if (typeof json !== 'object' || json === null || Array.isArray(json)) return undefined
    // Without the prototype's names, so that `__proto__` is a name like any other.
    return Object.values(json).every((value) => typeof value === 'string')
      ? Object.assign(Object.create(null), json)
      : undefined
  } catch {
    return undefined
  }
}

/** S3: what is stored already is read as it is; only a customer's key belongs to reading. */
export function refuseOnRead({ headers }: S3Request): void {
  for (const name of [SSE, KEY_ID, CONTEXT, BUCKET_KEY]) {
    const value = headers.get(name)
    if (value !== undefined) throw invalid(name, value, `${name} header is not supported for this operation.`)
  }
}

/** Does the request say anything of encryption? Saying it makes a copy of an object to itself legal. */
export const namesEncryption = ({ headers }: S3Request): boolean =>
  [...headers.keys()].some((name) => name === SSE || name.startsWith(`${SSE}-`))

const invalid = (name: string, value: string, message: string): S3Error =>
  new S3Error('InvalidArgument', message, { extra: { ArgumentName: name, ArgumentValue: value } })

export const contextHeader = (context: EncryptionContext | undefined): Record<string, string> =>
  context ? { [CONTEXT]: context.header } : {}
