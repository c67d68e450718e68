import type { Retention } from '../../../objects/object-lock.ts'
import { readXmlBody } from '../checksum-headers.ts'
import { S3Error } from '../error-codes.ts'
import { LOCK_BODY } from '../lock/configuration.ts'
import { bypassesGovernance, bypassNeeds, retentionSaid } from '../lock/headers.ts'
import { dateMs, retentionMode } from '../lock/mode.ts'
import { defineOperation, type ResourceUse } from '../operation.ts'
import type { S3Request } from '../request.ts'
import { located, type ObjectTarget, objectTarget } from '../target.ts'
import { parseXml } from '../xml/decode.ts'

export const putObjectRetention = defineOperation({
  name: 'PutObjectRetention',
  method: 'PUT',
  on: 'object',
  query: { retention: true },
  takes: ['versionId'],
  action: 's3:PutObjectRetention',
  asksItself: true,
  parse: (request) => ({ target: objectTarget(request), bypassGovernance: bypassesGovernance(request) }),
  run: async ({ target, bypassGovernance }, context) => {
    const place = located(target, context)
    const retention = retentionOf(await readXmlBody(context.request, context.body, LOCK_BODY))
    for (const use of retentionUses(target, retention, context.request)) await context.require(use)
    await context.objects.setRetention({ ...place, retention, bypassGovernance })
    return { status: 200, headers: { 'content-length': 0 } }
  },
})

/** What the request does by its body. */
export const retentionUses = (
  target: ObjectTarget,
  retention: Retention | undefined,
  request: Pick<S3Request, 'headers'>,
): readonly ResourceUse[] =>
  (['s3:PutObjectRetention', ...bypassNeeds(request)] as const).map((action) => ({
    ...{ ...target, action },
    said: retentionSaid(retention),
  }))

/** `<Retention><Mode/><RetainUntilDate/></Retention>`, or an empty one to take the retention away. */
function retentionOf(body: Buffer): Retention | undefined {
  const root = parseXml(body, 'Retention', LOCK_BODY.maxBytes)
  root.allow('Mode', 'RetainUntilDate')
  if (root.elements.length === 0) return undefined
  const mode = retentionMode(root.text('Mode'))
  const untilMs = dateMs(root.text('RetainUntilDate') ?? '')
  if (untilMs === undefined) throw new S3Error('MalformedXML')
  return { mode, untilMs }
}
