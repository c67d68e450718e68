import { primed } from '../../../base/streams.ts'
import type { OpenObject } from '../../../objects/open-object.ts'
import { parseRead, planRead } from '../open-reply.ts'
import { defineOperation } from '../operation.ts'
import { located } from '../target.ts'

export const getObject = defineOperation({
  name: 'GetObject',
  method: 'GET',
  on: 'object',
  takes: ['versionId', 'partNumber'],
  action: 's3:GetObject',
  parse: parseRead,
  run: async (input, context) => {
    const { bucket, key } = located(input.target, context)
    const object = await context.objects.open({ bucket, key })
    try {
      const { reply, range } = planRead(object, input, context)
      // The first segment is opened before the status line: a disabled key or forged bytes are an honest error.
      return { ...reply, body: await primed(closing(object, object.read(range))) }
    } catch (error) {
      object[Symbol.dispose]()
      throw error
    }
  },
})

/** The object stays open as long as its bytes are read, also when the client leaves early. */
async function* closing(object: OpenObject, bytes: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  try {
    yield* bytes
  } finally {
    object[Symbol.dispose]()
  }
}
