import { parseRead, planRead } from '../open-reply.ts'
import { defineOperation } from '../operation.ts'
import { asSealedNeeds } from '../replication/replica-headers.ts'
import { located } from '../target.ts'

export const headObject = defineOperation({
  name: 'HeadObject',
  method: 'HEAD',
  on: 'object',
  takes: ['versionId', 'partNumber'],
  action: 's3:GetObject',
  versionAction: 's3:GetObjectVersion',
  alsoNeeds: asSealedNeeds,
  parse: parseRead,
  run: async (input, context) => {
    const { asSealed, customerKey } = input
    const place = { ...located(input.target, context), customerKey: customerKey?.key, asSealed }
    using object = await context.objects.open(place)
    const { reply } = await planRead(object, input, context)
    return reply
  },
})
