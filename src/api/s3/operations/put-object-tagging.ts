import { readXmlBody } from '../checksum-headers.ts'
import { defineOperation } from '../operation.ts'
import { objectTags, TAGGING_BODY } from '../tags.ts'
import { located, objectTarget } from '../target.ts'
import { versionHeader } from '../version-headers.ts'

export const putObjectTagging = defineOperation({
  name: 'PutObjectTagging',
  method: 'PUT',
  on: 'object',
  query: { tagging: true },
  takes: ['versionId'],
  action: 's3:PutObjectTagging',
  versionAction: 's3:PutObjectVersionTagging',
  asksItself: true,
  parse: objectTarget,
  run: async (target, context) => {
    const where = located(target, context)
    const tags = objectTags(await readXmlBody(context.request, context.body, TAGGING_BODY))
    const action = target.versionId === undefined ? 's3:PutObjectTagging' : 's3:PutObjectVersionTagging'
    await context.require({ ...target, action, requestTags: tags })
    const { versionId } = await context.objects.changeProperties(where, (now) => ({ ...now, tags }))
    return { status: 200, headers: { ...versionHeader(where.bucket, versionId), 'content-length': 0 } }
  },
})
