import type { WriteConditions } from '../../../objects/conditions.ts'
import { readXmlBody } from '../checksum-headers.ts'
import { deleteConditions, tellsOfObject } from '../condition-headers.ts'
import { S3Error } from '../error-codes.ts'
import { s3Face } from '../errors.ts'
import { bypassesGovernance } from '../lock/headers.ts'
import { defineOperation, type KeyOutcome, type OperationContext } from '../operation.ts'
import { refuseUnsupported } from '../refused-headers.ts'
import { bucketTarget, isVersionId } from '../target.ts'
import { parseXml, type XmlElement } from '../xml/decode.ts'
import { xmlReply } from '../xml-reply.ts'

const MAX_BODY_BYTES = 4 * 1024 * 1024
const MAX_KEYS = 1000
const MAX_KEY_BYTES = 1024
const AT_ONCE = 32

interface Entry {
  readonly key: string
  readonly versionId: string | undefined
  readonly conditions: WriteConditions
}

export const deleteObjects = defineOperation({
  name: 'DeleteObjects',
  method: 'POST',
  on: 'bucket',
  query: { delete: true },
  action: 's3:DeleteObject',
  asksItself: true,
  parse: (request) => {
    refuseUnsupported(request)
    return bucketTarget(request)
  },
  run: async (name, context) => {
    const body = await readXmlBody(context.request, context.body, { maxBytes: MAX_BODY_BYTES, required: true })
    const root = parseXml(body, 'Delete', MAX_BODY_BYTES)
    const entries = root.children('Object').map(entry)
    // S3: more than 1,000 keys, or none, is not the published schema.
    if (entries.length === 0 || entries.length > MAX_KEYS) throw new S3Error('MalformedXML')
    const quiet = root.text('Quiet')?.toLowerCase() === 'true'
    const bucket = context.objects.buckets.get(name)
    const results: Result[] = []
    for (let at = 0; at < entries.length; at += AT_ONCE) {
      results.push(...(await Promise.all(entries.slice(at, at + AT_ONCE).map((one) => remove(one, bucket, context)))))
    }
    const reply = xmlReply('DeleteResult', {
      Deleted: quiet ? [] : results.flatMap(({ told }) => ('Code' in told ? [] : [{ ...told }])),
      Error: results.flatMap(({ told }) => ('Code' in told ? [{ ...told }] : [])),
    })
    return { ...reply, outcomes: results.map(outcome) }
  },
})

interface Named {
  readonly Key: string
  readonly VersionId?: string
}
type Deleted = Named & { readonly DeleteMarker?: true; readonly DeleteMarkerVersionId?: string }
type Refused = Named & { readonly Code: string; readonly Message: string }
interface Result {
  /** Of the answer that the key alone would have got. */
  readonly status: number
  readonly told: Deleted | Refused
}

const outcome = ({ status, told }: Result): KeyOutcome =>
  'Code' in told
    ? { key: told.Key, versionId: told.VersionId, status, code: told.Code }
    : { key: told.Key, versionId: told.VersionId ?? told.DeleteMarkerVersionId, status, code: undefined }

function entry(element: XmlElement): Entry {
  const key = element.text('Key')
  if (!key) throw new S3Error('MalformedXML')
  const conditions = deleteConditions({
    etag: element.text('ETag'),
    size: element.text('Size'),
    lastModified: element.text('LastModifiedTime'),
  })
  return { key, versionId: element.text('VersionId') || undefined, conditions }
}

async function remove(
  { key, versionId, conditions }: Entry,
  bucket: ReturnType<OperationContext['objects']['buckets']['get']>,
  { objects, request, require }: OperationContext,
): Promise<Result> {
  const named = { Key: key, ...(versionId ? { VersionId: versionId } : {}) }
  try {
    if (Buffer.byteLength(key) > MAX_KEY_BYTES) throw new S3Error('KeyTooLongError')
    const action = versionId === undefined ? 's3:DeleteObject' : 's3:DeleteObjectVersion'
    await require({ bucket: bucket.name, key, versionId, action, said: { 'if-match': conditions.ifMatch } })
    if (tellsOfObject(conditions)) await require({ bucket: bucket.name, key, versionId, action: 's3:GetObject' })
    if (versionId !== undefined && !isVersionId(versionId)) throw new S3Error('NoSuchVersion')
    const bypassGovernance = bypassesGovernance(request)
    if (bypassGovernance) {
      await require({ bucket: bucket.name, key, versionId, action: 's3:BypassGovernanceRetention' })
    }
    const deleted = await objects.delete({ bucket, key, versionId, conditions, bypassGovernance })
    if (!deleted.deleteMarker || deleted.versionId === undefined) return { status: 204, told: named }
    return { status: 204, told: { ...named, DeleteMarker: true, DeleteMarkerVersionId: deleted.versionId } }
  } catch (error) {
    const { status, code, message } = s3Face(error)
    return { status, told: { ...named, Code: code, Message: message } }
  }
}
