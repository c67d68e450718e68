import { ObjectsError } from '../../../objects/errors.ts'
import { defineOperation } from '../operation.ts'
import { tagSet } from '../tags.ts'
import { located, objectTarget } from '../target.ts'
import { versionHeader } from '../version-headers.ts'
import { xmlReply } from '../xml-reply.ts'

export const getObjectTagging = defineOperation({
  name: 'GetObjectTagging',
  method: 'GET',
  on: 'object',
  query: { tagging: true },
  takes: ['versionId'],
  action: 's3:GetObjectTagging',
  versionAction: 's3:GetObjectVersionTagging',
  parse: objectTarget,
  run: async (target, context) => {
    const place = located(target, context)
    const known = await context.objects.known(place)
    if (!known) {
      throw new ObjectsError('NoSuchKey', 'The specified key does not exist.', { details: { key: target.key } })
    }
    return xmlReply('Tagging', tagSet(await known.tags()), versionHeader(place.bucket, known.versionId))
  },
})
