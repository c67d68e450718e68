import { newObjectAccess } from '../access/new-object.ts'
import { bodyInput } from '../body-input.ts'
import { readChecksumRequest } from '../checksum-headers.ts'
import { writeConditions } from '../condition-headers.ts'
import { requestedEncryption } from '../encryption-headers.ts'
import { S3Error } from '../error-codes.ts'
import { withFields } from '../form-request.ts'
import { expirationOfStored } from '../lifecycle/headers.ts'
import { encryptionHeaders, uploadAttributes } from '../object-headers.ts'
import { defineOperation, type S3Reply, type SignedForm } from '../operation.ts'
import { refuseUnsupported } from '../refused-headers.ts'
import type { S3Request } from '../request.ts'
import { checkStorageClass } from '../storage-class.ts'
import { objectTags } from '../tags.ts'
import { bucketTarget, quoted } from '../target.ts'
import { uploadNeeds, uploadProperties } from '../upload-properties.ts'
import { writtenVersionHeader } from '../version-headers.ts'
import { wantedEncryption } from '../wanted-encryption.ts'
import { xml } from '../xml/encode.ts'

const MAX_KEY_BYTES = 1024

/** A browser's upload: the fields of the form are what headers are to a PUT. */
export const postObject = defineOperation({
  name: 'PostObject',
  method: 'POST',
  on: 'bucket',
  action: 's3:PutObject',
  makes: 'object',
  alsoNeeds: (_request, form) => (form ? formNeeds(form) : []),
  parse: bucketTarget,
  run: async (name, context) => {
    const { form, body, objects, request, settings } = context
    if (!form) throw new S3Error('RequestIsNotMultiPartContent')
    if (Buffer.byteLength(form.key) > MAX_KEY_BYTES) throw new S3Error('KeyTooLongError')
    if (form.key === '' || form.key.includes('\u0000'))
      throw new S3Error('InvalidArgument', 'User key must have a length greater than 0.')
    const asPut = withFields(request, form)
    refuseUnsupported(asPut)
    const tagging = form.fields.get('tagging')
    const bucket = objects.buckets.get(name)
    const encryption = requestedEncryption(asPut)
    const properties = uploadProperties(asPut)
    checkStorageClass(properties, settings)
    const stored = await objects.put({
      bucket,
      key: form.key,
      body: bodyInput(body, readChecksumRequest(asPut)),
      attributes: uploadAttributes(asPut),
      properties: {
        ...properties,
        ...(tagging === undefined ? {} : { tags: objectTags(tagging) }),
        ...(await newObjectAccess(context, { bucket, key: form.key }, asPut)),
      },
      conditions: writeConditions(asPut),
      encrypting: await wantedEncryption(encryption, bucket, context),
    })
    const headers = {
      ...encryptionHeaders(stored.protection, encryption.customerKey),
      ...(await expirationOfStored(objects, { bucket, key: form.key })),
      ...writtenVersionHeader(stored.versionId),
    }
    return reply(form, name, request, stored.etag, headers)
  },
})

const formNeeds = ({ fields }: SignedForm) => [
  ...(fields.has('tagging') ? (['s3:PutObjectTagging'] as const) : []),
  ...uploadNeeds({ headers: fields }),
]

/** S3: a redirect when asked for and valid, else 200, 201 with a document, or 204. */
function reply(
  { fields, key }: SignedForm,
  bucket: string,
  request: S3Request,
  etag: string,
  more: NonNullable<S3Reply['headers']>,
): S3Reply {
  const base = `${request.secure ? 'https' : 'http'}://${request.headers.get('host') ?? ''}`
  const path = request.rawPath.endsWith('/') ? request.rawPath : `${request.rawPath}/`
  const location = `${base}${path}${encodeURIComponent(key)}`
  const headers = { etag: quoted(etag), location, ...more }
  const redirect = redirectTarget(fields.get('success_action_redirect') ?? fields.get('redirect'), {
    bucket,
    key,
    etag,
  })
  if (redirect) return { status: 303, headers: { ...headers, location: redirect } }
  switch (fields.get('success_action_status')) {
    case '200':
      return { status: 200, headers: { ...headers, 'content-length': 0 } }
    case '201': {
      const body = xml(
        'PostResponse',
        { Location: location, Bucket: bucket, Key: key, ETag: quoted(etag) },
        { namespace: '' },
      )
      return { status: 201, headers: { ...headers, 'content-type': 'application/xml' }, body }
    }
    default:
      return { status: 204, headers }
  }
}

/** Only to http and https: a `javascript:` address in a signed policy must not reach a browser. */
function redirectTarget(
  address: string | undefined,
  stored: { readonly bucket: string; readonly key: string; readonly etag: string },
): string | undefined {
  const url = address ? URL.parse(address) : null
  if (!url || (url.protocol !== 'http:' && url.protocol !== 'https:')) return undefined
  url.searchParams.append('bucket', stored.bucket)
  url.searchParams.append('key', stored.key)
  url.searchParams.append('etag', quoted(stored.etag))
  return url.href
}
