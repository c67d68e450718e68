import { primed } from '../../../base/streams.ts'
import { parseRead, planRead } from '../open-reply.ts'
import { defineOperation } from '../operation.ts'
import { located } from '../target.ts'

export const getObject = defineOperation({
  name: 'GetObject',
  method: 'GET',
  on: 'object',
  takes: ['versionId', 'partNumber'],
  action: 's3:GetObject',
  versionAction: 's3:GetObjectVersion',
  parse: parseRead,
  run: async (input, context) => {
    using scope = new DisposableStack()
    const place = { ...located(input.target, context), customerKey: input.customerKey?.key }
    const object = scope.use(await context.objects.open(place))
    const { reply, range } = await planRead(object, input, context)
    const { revoked } = scope.use(object.watch())
    // The first segment is opened before the status line: a disabled key or forged bytes are an honest error.
    return { ...reply, body: await primed(closing(scope.move(), object.read(range))), revoked }
  },
})

/** The object stays open as long as its bytes are read, also when the client leaves early. */
async function* closing(open: DisposableStack, bytes: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  try {
    yield* bytes
  } finally {
    open.dispose()
  }
}
