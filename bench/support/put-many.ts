import type { TestHouse } from '../../test/support/house.ts'

export interface PutManyOptions {
  readonly bucket: string
  /** An iterable is gone through once. */
  readonly keys: Iterable<string>
  readonly body?: Buffer
  /** Puts that wait for the disk together: the more, the fewer syncs; at 512 the processor is the limit. */
  readonly writers?: number
  readonly onStored?: (count: number) => void
}

/** The bulk path of the benches: the engine's own put of a server in this process, without HTTP and signatures before it. */
export async function putMany({ house }: TestHouse, options: PutManyOptions): Promise<number> {
  const { bucket: name, keys, body = Buffer.from('x'), writers = 512, onStored } = options
  const bucket = house.objects.buckets.get(name)
  const left = keys[Symbol.iterator]()
  let count = 0
  const writer = async (): Promise<void> => {
    for (let next = left.next(); !next.done; next = left.next()) {
      const stream = (async function* () {
        yield body
      })()
      await house.objects.put({
        ...{ bucket, key: next.value, body: { stream, lengthBytes: body.length } },
        ...{ attributes: { headers: {}, userMetadata: {} }, conditions: {} },
      })
      count++
      onStored?.(count)
    }
  }
  await Promise.all(Array.from({ length: writers }, writer))
  return count
}
