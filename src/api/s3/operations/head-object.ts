import { parseRead, planRead } from '../open-reply.ts'
import { defineOperation } from '../operation.ts'
import { located } from '../target.ts'

export const headObject = defineOperation({
  name: 'HeadObject',
  method: 'HEAD',
  on: 'object',
  takes: ['versionId', 'partNumber'],
  action: 's3:GetObject',
  versionAction: 's3:GetObjectVersion',
  parse: parseRead,
  run: async (input, context) => {
    const place = { ...located(input.target, context), customerKey: input.customerKey?.key }
    using object = await context.objects.open(place)
    const { reply } = await planRead(object, input, context)
    return reply
  },
})
