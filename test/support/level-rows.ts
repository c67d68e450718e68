import { Level } from 'level'

export interface StoredRow {
  readonly key: Buffer
  readonly value: Buffer
}

/** The rows of a stopped server's store, to be read and written behind its back. */
export async function withRows<T>(
  directory: string,
  work: (rows: {
    readonly all: readonly StoredRow[]
    readonly put: (key: Buffer, value: Buffer) => Promise<void>
    readonly remove: (key: Buffer) => Promise<void>
  }) => Promise<T>,
): Promise<T> {
  const level = new Level<Buffer, Buffer>(directory, {
    keyEncoding: 'buffer',
    valueEncoding: 'buffer',
    compression: false,
  })
  try {
    const all = (await level.iterator().all()).map(([key, value]) => ({ key, value }))
    return await work({ all, put: (key, value) => level.put(key, value), remove: (key) => level.del(key) })
  } finally {
    await level.close()
  }
}

export const flipped = (bytes: Buffer, at: number): Buffer => {
  const copy = Buffer.from(bytes)
  const index = at < 0 ? copy.length + at : at
  copy[index] = (copy[index] ?? 0) ^ 1
  return copy
}
