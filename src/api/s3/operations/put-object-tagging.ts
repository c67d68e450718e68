import { readXmlBody } from '../checksum-headers.ts'
import { defineOperation } from '../operation.ts'
import { objectTags, TAGGING_BODY } from '../tags.ts'
import { located, nullVersion, objectTarget } from '../target.ts'

export const putObjectTagging = defineOperation({
  name: 'PutObjectTagging',
  method: 'PUT',
  on: 'object',
  query: { tagging: true },
  takes: ['versionId'],
  action: 's3:PutObjectTagging',
  parse: (request) => {
    nullVersion(request)
    return objectTarget(request)
  },
  run: async (target, context) => {
    const where = located(target, context)
    const tags = objectTags(await readXmlBody(context.request, context.body, TAGGING_BODY))
    await context.objects.changeProperties(where, (now) => ({ ...now, tags }))
    return { status: 200, headers: { 'content-length': 0 } }
  },
})
