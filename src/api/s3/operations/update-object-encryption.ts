import { type Crn, type CrnErrorCode, parseCrn } from '../../../base/crn.ts'
import { hasCode } from '../../../base/errors.ts'
import type { KeyProviderErrorCode } from '../../../envelope/key-provider.ts'
import { isOfRegion } from '../../common/root-key-use.ts'
import { readXmlBody } from '../checksum-headers.ts'
import { S3Error } from '../error-codes.ts'
import { defineOperation } from '../operation.ts'
import { refuseUnsupported } from '../refused-headers.ts'
import { located, objectTarget } from '../target.ts'
import { parseXml } from '../xml/decode.ts'

const MAX_BODY_BYTES = 16 * 1024

/** Another root key for one object. Only the wrapping of its data key changes: no byte is read, and date, ETag and checksums stay. */
export const updateObjectEncryption = defineOperation({
  name: 'UpdateObjectEncryption',
  method: 'PUT',
  on: 'object',
  query: { encryption: true },
  takes: ['versionId'],
  action: 's3:UpdateObjectEncryption',
  parse: (request) => {
    refuseUnsupported(request)
    return objectTarget(request)
  },
  run: async (target, context) => {
    const { objects, settings } = context
    const wanted = encryptionOf(await readXmlBody(context.request, context.body, { maxBytes: MAX_BODY_BYTES }))
    const place = located(target, context)
    const { bucket } = place
    const crn = rootKeyOf(wanted.rootKeyCrn)
    // S3: a key of another account is refused, whatever that account allows.
    if (crn.account !== parseCrn(bucket.serviceInstanceCrn).account) {
      throw new S3Error('AccessDenied', 'The root key in the request must be owned by the same account as the bucket.')
    }
    if (!isOfRegion(wanted.rootKeyCrn, bucket.locationConstraint, settings.region)) throw keyNotFound()
    if (!context.mayUseRootKey(wanted.rootKeyCrn, crn.account)) throw keyNotFound()
    try {
      await objects.updateEncryption({ ...place, encryption: 'customer-managed', ...wanted })
    } catch (error) {
      throw refusal(error, wanted.rootKeyCrn, bucket.rootKeyCrn)
    }
    return { status: 200, headers: { 'content-length': 0 } }
  },
})

/** `<ObjectEncryption><SSE-KMS><KMSKeyArn/><BucketKeyEnabled/></SSE-KMS></ObjectEncryption>` */
function encryptionOf(body: Buffer): { readonly rootKeyCrn: string; readonly bucketKey: boolean } {
  const root = parseXml(body, 'ObjectEncryption', MAX_BODY_BYTES)
  const kms = root.child('SSE-KMS') ?? root.child('SSEKMS')
  if (!kms) {
    throw invalid(
      'Requests that modify an object encryption configuration require a valid new encryption type. Valid values are SSEKMS.',
    )
  }
  const rootKeyCrn = kms.text('KMSKeyArn')
  if (!rootKeyCrn)
    throw invalid("Requests that modify an object's encryption type to SSE-KMS require the CRN of a root key.")
  const enabled = kms.text('BucketKeyEnabled') ?? 'false'
  if (!/^(true|false)$/i.test(enabled)) {
    throw invalid('The BucketKeyEnabled value is not valid. Valid values are true or false.')
  }
  return { rootKeyCrn, bucketKey: enabled.toLowerCase() === 'true' }
}

function rootKeyOf(text: string): Crn {
  try {
    const crn = parseCrn(text)
    if (crn.service === 'kms' && crn.resourceType === 'key' && crn.resource !== '') return crn
  } catch (error) {
    if (!hasCode<CrnErrorCode>(error, 'InvalidCrn')) throw error
  }
  throw invalid("Requests that modify an object's encryption type to SSE-KMS require a valid CRN of a root key.")
}

/** What the new key answers is a mistake of the request; what the former one answers is told as for every read. */
function refusal(error: unknown, wanted: string, former: string): unknown {
  if (wanted === former) return error
  if (hasCode<KeyProviderErrorCode>(error, 'RootKeyNotFound')) return keyNotFound(error)
  return error
}

const invalid = (message: string): S3Error => new S3Error('InvalidRequest', message)
const keyNotFound = (cause?: unknown): S3Error =>
  new S3Error('InvalidRequest', 'The Key CRN could not be found', { cause })
