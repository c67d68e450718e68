import { primed } from '../../../base/streams.ts'
import { parseRead, planRead } from '../open-reply.ts'
import { defineOperation } from '../operation.ts'
import { asSealedNeeds } from '../replication/replica-headers.ts'
import { located } from '../target.ts'

/**
 * So much is read, opened and sent in one piece, which takes less than a stream of it; a client that stalls has no more than
 * that in the memory of the process.
 */
const AT_ONCE_BYTES = 16 * 1024

export const getObject = defineOperation({
  name: 'GetObject',
  method: 'GET',
  on: 'object',
  takes: ['versionId', 'partNumber'],
  action: 's3:GetObject',
  versionAction: 's3:GetObjectVersion',
  alsoNeeds: asSealedNeeds,
  parse: parseRead,
  run: async (input, context) => {
    using scope = new DisposableStack()
    const { asSealed, customerKey } = input
    const place = { ...located(input.target, context), customerKey: customerKey?.key, asSealed }
    const object = scope.use(await context.objects.open(place))
    const { reply, range } = await planRead(object, input, context)
    const { watch } = object
    const whole = range.end - range.start <= AT_ONCE_BYTES ? await object.readAtOnce(range) : undefined
    if (whole) return { ...reply, body: whole, watch }
    // The first segment is opened before the status line: a disabled key or forged bytes are an honest error.
    let start: AsyncIterableIterator<Buffer> | undefined = await primed(object.read(range))
    const open = scope.move()
    const from = (sentBytes: number): AsyncIterable<Buffer> => {
      if (!start) return object.read({ start: range.start + sentBytes, end: range.end })
      const first = start
      // Not kept: an iterator that has ended holds on to the last that it gave.
      start = undefined
      return first
    }
    const close = async (): Promise<void> => {
      using _ = open
      await start?.return?.()
    }
    return { ...reply, body: { from, close }, watch }
  },
})
