import { readXmlBody } from '../checksum-headers.ts'
import { S3Error } from '../error-codes.ts'
import { LOCK_BODY } from '../lock/configuration.ts'
import { legalHoldSaid } from '../lock/headers.ts'
import { defineOperation, type ResourceUse } from '../operation.ts'
import { located, type ObjectTarget, objectTarget } from '../target.ts'
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
    for (const use of legalHoldUses(target, legalHold)) await context.require(use)
    await context.objects.setLegalHold({ ...place, legalHold })
    return { status: 200, headers: { 'content-length': 0 } }
  },
})

/** What the request does by its body. */
export const legalHoldUses = (target: ObjectTarget, legalHold: boolean): readonly ResourceUse[] => [
  { ...target, action: 's3:PutObjectLegalHold', said: legalHoldSaid(legalHold) },
]

/** `<LegalHold><Status>ON|OFF</Status></LegalHold>` */
function legalHoldOf(body: Buffer): boolean {
  const root = parseXml(body, 'LegalHold', LOCK_BODY.maxBytes)
  root.allow('Status')
  const status = root.text('Status')
  if (status !== 'ON' && status !== 'OFF') throw new S3Error('MalformedXML')
  return status === 'ON'
}
