/** The start of a body, held in memory. */
export interface Gathered {
  readonly chunks: readonly Uint8Array[]
  readonly lengthBytes: number
  /** What follows, when the body is longer than asked for. Whoever takes it must end it by `return`. */
  readonly rest: AsyncIterator<Uint8Array> | undefined
}

/** Reads a body until it ends or is longer than `upToBytes`. */
export async function gather(body: AsyncIterable<Uint8Array>, upToBytes: number): Promise<Gathered> {
  const iterator = body[Symbol.asyncIterator]()
  const chunks: Uint8Array[] = []
  let lengthBytes = 0
  for (;;) {
    const step = await iterator.next()
    if (step.done) return { chunks, lengthBytes, rest: undefined }
    chunks.push(step.value)
    lengthBytes += step.value.length
    if (lengthBytes > upToBytes) return { chunks, lengthBytes, rest: iterator }
  }
}

/** The whole body again. Leaves ending `rest` to its owner. */
export async function* resumed({ chunks, rest }: Gathered): AsyncGenerator<Uint8Array> {
  yield* chunks
  if (!rest) return
  for (;;) {
    const step = await rest.next()
    if (step.done) return
    yield step.value
  }
}
