import type { Space, Write } from './metadata-store.ts'

export const MAX_KEY_BYTES = 2048
export const MAX_VALUE_BYTES = 64 * 1024
/** What a store accepts beyond MAX_VALUE_BYTES, so that a store that seals values can stand around it. */
export const SEAL_ROOM_BYTES = 256
export const MAX_WRITES = 500

/** Throws RangeError: going over a limit is a bug of the caller, never a condition of the data. */
export function checkCommit(writes: readonly Write[]): void {
  if (writes.length > MAX_WRITES)
    throw new RangeError(`a commit has at most ${MAX_WRITES} writes, not ${writes.length}`)
  const seen = writes.length > FEW ? new Set<string>() : undefined
  for (const [index, write] of writes.entries()) {
    checkKey(write.key)
    if (write.type === 'add') {
      if (!Number.isSafeInteger(write.delta)) throw new RangeError('a counter moves by a safe integer')
      continue
    }
    checkSpace(write.space)
    if (write.type === 'put' && write.value.length > MAX_VALUE_BYTES + SEAL_ROOM_BYTES) {
      throw new RangeError(`a value has at most ${MAX_VALUE_BYTES} bytes, not ${write.value.length}`)
    }
    const name = seen && `${write.space} ${write.key.toString('latin1')}`
    const again = seen && name !== undefined ? seen.has(name) : isAmong(writes, index, write)
    if (again) throw new RangeError('a commit names each key at most once')
    if (name !== undefined) seen?.add(name)
  }
}

/** So many are compared with each other, which makes no text of any key. */
const FEW = 16

const isAmong = (writes: readonly Write[], before: number, { space, key }: Exclude<Write, { readonly type: 'add' }>) =>
  writes.some((other, at) => at < before && other.type !== 'add' && other.space === space && other.key.equals(key))

export function checkSpace(space: Space): void {
  if (!Number.isInteger(space) || space < 1 || space > 254) throw new RangeError(`a space is 1..254, not ${space}`)
}

function checkKey(key: Buffer): void {
  if (key.length > MAX_KEY_BYTES) throw new RangeError(`a key has at most ${MAX_KEY_BYTES} bytes, not ${key.length}`)
}
