import type { Clock } from '../base/clock.ts'
import { random16 } from '../base/ids.ts'

/** The version that a key has without versioning; at most one of a key's versions. */
export const NULL_VERSION = 'null'

const ID_BYTES = 16
const VERSION_ID = /^[A-Za-z0-9_-]{22}$/

/** `order ‖ 8 random bytes` in base64url: unique also when a clock was set back and a row that it would follow is gone. */
export function newVersionId(order: bigint): string {
  const id = random16()
  id.writeBigUInt64BE(order)
  return id.toString('base64url')
}

/** The same random bytes at another place. */
export function atOrder(versionId: string, order: bigint): string {
  const id = Buffer.from(versionId, 'base64url')
  id.writeBigUInt64BE(order)
  return id.toString('base64url')
}

/** Of a version that has an id of its own; undefined for `null` and for what cannot be an id. */
export function orderOf(versionId: string): bigint | undefined {
  if (!VERSION_ID.test(versionId)) return undefined
  const id = Buffer.from(versionId, 'base64url')
  // The last character has four bits to spare: two spellings of one id would be two ids to a client.
  return id.length === ID_BYTES && id.toString('base64url') === versionId ? id.readBigUInt64BE() : undefined
}

/** The id that stands for a row whose own cannot be read. */
export function idOfUnreadable(order: bigint): string {
  const id = Buffer.alloc(ID_BYTES)
  id.writeBigUInt64BE(order)
  return id.toString('base64url')
}

/** Even numbers: a null version that is archived, which has no order of its own, comes right below its successor. */
export interface VersionOrders {
  /**
   * Greater than `after`, by two at least, and than all before in the life of the process, in whichever thread, unless the
   * clock is behind `after`.
   */
  readonly next: (after: bigint) => bigint
}

/** Orders a millisecond. */
const BITS = 20n

export const versionOrderMemory = (): SharedArrayBuffer => new SharedArrayBuffer(BigInt64Array.BYTES_PER_ELEMENT)

/** `memory`: that all threads share which write to the store. `from`: all are greater. */
export function versionOrders(clock: Clock, memory = versionOrderMemory(), from = 0n): VersionOrders {
  const last = new BigInt64Array(memory)
  if (from > Atomics.load(last, 0)) Atomics.store(last, 0, from + (from & 1n))
  const draw = (): bigint => {
    const now = BigInt(clock.now()) << BITS
    for (;;) {
      const before = Atomics.load(last, 0)
      const mine = now > before ? now : before + 2n
      if (Atomics.compareExchange(last, 0, before, mine) === before) return mine
    }
  }
  return {
    next: (after) => {
      const drawn = draw()
      // A clock that was set back must not put what is new below what is there.
      return drawn >= after + 2n ? drawn : after + 2n + (after & 1n)
    },
  }
}
