import type { Tag } from '../../../objects/object-properties.ts'
import { readXmlBody } from '../checksum-headers.ts'
import { defineOperation, type ResourceUse } from '../operation.ts'
import { objectTags, TAGGING_BODY } from '../tags.ts'
import { located, type ObjectTarget, objectTarget } from '../target.ts'
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
    for (const use of taggingUses(target, tags)) await context.require(use)
    const { versionId } = await context.objects.changeProperties(where, (now) => ({ ...now, tags }))
    return { status: 200, headers: { ...versionHeader(where.bucket, versionId), 'content-length': 0 } }
  },
})

/** What the request does by its body. */
export const taggingUses = (target: ObjectTarget, requestTags: readonly Tag[]): readonly ResourceUse[] => [
  {
    ...{ ...target, requestTags },
    action: target.versionId === undefined ? 's3:PutObjectTagging' : 's3:PutObjectVersionTagging',
  },
]
