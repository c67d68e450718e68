import { ObjectsError } from '../../../objects/errors.ts'
import { defineOperation } from '../operation.ts'
import { tagSet } from '../tags.ts'
import { located, nullVersion, objectTarget } from '../target.ts'
import { xmlReply } from '../xml-reply.ts'

export const getObjectTagging = defineOperation({
  name: 'GetObjectTagging',
  method: 'GET',
  on: 'object',
  query: { tagging: true },
  takes: ['versionId'],
  action: 's3:GetObjectTagging',
  parse: (request) => {
    nullVersion(request)
    return objectTarget(request)
  },
  run: async (target, context) => {
    const known = await context.objects.known(located(target, context))
    if (!known) {
      throw new ObjectsError('NoSuchKey', 'The specified key does not exist.', { details: { key: target.key } })
    }
    return xmlReply('Tagging', tagSet(await known.tags()))
  },
})
