import { readXmlBody } from '../checksum-headers.ts'
import { S3Error } from '../error-codes.ts'
import { defineOperation } from '../operation.ts'
import { located, objectTarget } from '../target.ts'
import { parseXml } from '../xml/decode.ts'

const MAX_BODY_BYTES = 16 * 1024

/** Every storage class is a store that is read at once: there is nothing to restore, and S3 says so of such classes. */
export const restoreObject = defineOperation({
  name: 'RestoreObject',
  method: 'POST',
  on: 'object',
  query: { restore: true },
  takes: ['versionId'],
  action: 's3:RestoreObject',
  parse: objectTarget,
  run: async (target, context) => {
    const root = parseXml(
      await readXmlBody(context.request, context.body, { maxBytes: MAX_BODY_BYTES }),
      'RestoreRequest',
    )
    if (root.child('SelectParameters') ?? root.child('OutputLocation')) {
      throw new S3Error('NotImplemented', 'A restore that selects content is not implemented.')
    }
    root.allow('Days', 'GlacierJobParameters', 'Tier', 'Type', 'Description')
    const days = root.text('Days')
    if (days !== undefined && !/^[1-9]\d{0,8}$/.test(days)) throw new S3Error('MalformedXML')
    const known = await context.objects.known(located(target, context))
    if (!known) throw new S3Error('NoSuchKey', undefined, { extra: { Key: target.key } })
    throw new S3Error('InvalidObjectState', "Restore is not allowed for the object's current storage class", {
      extra: { StorageClass: known.storageClass ?? 'STANDARD' },
    })
  },
})
