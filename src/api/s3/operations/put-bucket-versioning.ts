import type { Versioning } from '../../../objects/records.ts'
import { readXmlBody } from '../checksum-headers.ts'
import { S3Error } from '../error-codes.ts'
import { defineOperation } from '../operation.ts'
import { bucketTarget } from '../target.ts'
import { parseXml } from '../xml/decode.ts'

const MAX_BODY_BYTES = 16 * 1024

export const putBucketVersioning = defineOperation({
  name: 'PutBucketVersioning',
  method: 'PUT',
  on: 'bucket',
  query: { versioning: true },
  action: 's3:PutBucketVersioning',
  parse: bucketTarget,
  run: async (name, { objects, request, body }) => {
    const bucket = objects.buckets.get(name)
    const versioning = versioningOf(await readXmlBody(request, body, { maxBytes: MAX_BODY_BYTES }))
    await objects.setVersioning(bucket, versioning)
    return { status: 200, headers: { 'content-length': 0 } }
  },
})

/** `<VersioningConfiguration><Status/><MfaDelete/></VersioningConfiguration>` */
function versioningOf(body: Buffer): Versioning {
  const root = parseXml(body, 'VersioningConfiguration', MAX_BODY_BYTES)
  root.allow('Status', 'MfaDelete')
  const mfaDelete = root.text('MfaDelete') ?? 'Disabled'
  if (mfaDelete !== 'Disabled' && mfaDelete !== 'Enabled') throw new S3Error('MalformedXML')
  // A deletion that seems to need a second factor must not go without one.
  if (mfaDelete === 'Enabled') throw new S3Error('NotImplemented', 'MFA delete is not implemented.')
  const status = root.text('Status')
  if (status === undefined) throw new S3Error('IllegalVersioningConfigurationException')
  if (status !== 'Enabled' && status !== 'Suspended') throw new S3Error('MalformedXML')
  return status
}
