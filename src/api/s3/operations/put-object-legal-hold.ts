import { readXmlBody } from '../checksum-headers.ts'
import { S3Error } from '../error-codes.ts'
import { LOCK_BODY } from '../lock/configuration.ts'
import { legalHoldSaid } from '../lock/headers.ts'
import { defineOperation } from '../operation.ts'
import { located, objectTarget } from '../target.ts'
import { parseXml } from '../xml/decode.ts'

export const putObjectLegalHold = defineOperation({
  name: 'PutObjectLegalHold',
  method: 'PUT',
  on: 'object',
  query: { 'legal-hold': true },
  takes: ['versionId'],
  action: 's3:PutObjectLegalHold',
  asksItself: true,
  parse: objectTarget,
  run: async (target, context) => {
    const place = located(target, context)
    const legalHold = legalHoldOf(await readXmlBody(context.request, context.body, LOCK_BODY))
    const said = legalHoldSaid(legalHold)
    await context.require({ ...target, action: 's3:PutObjectLegalHold', said })
    await context.objects.setLegalHold({ ...place, legalHold })
    return { status: 200, headers: { 'content-length': 0 } }
  },
})

/** `<LegalHold><Status>ON|OFF</Status></LegalHold>` */
function legalHoldOf(body: Buffer): boolean {
  const root = parseXml(body, 'LegalHold', LOCK_BODY.maxBytes)
  root.allow('Status')
  const status = root.text('Status')
  if (status !== 'ON' && status !== 'OFF') throw new S3Error('MalformedXML')
  return status === 'ON'
}
