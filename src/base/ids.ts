import { randomBytes, randomFillSync, randomUUID } from 'node:crypto'
import { ownCopy } from './bytes.ts'
import { memoised } from './memo.ts'

export const newUuid = (): string => randomUUID()

/** 16 random bytes in their own memory: ids are kept for long, and would keep all of a shared pool with them. */
export function random16(): Buffer {
  const from = drawn(16)
  const id = Buffer.allocUnsafeSlow(16)
  pool.copy(id, 0, from, from + 16)
  return id
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i
/** Remembered, as below. */
const spellsUuid = memoised((text) => UUID.test(text))
export const isUuid = (text: string): boolean => text.length === 36 && spellsUuid(text)

/** Shared, so not to be changed. Remembered: a put asks for those of its bucket and root key ten times. */
export const uuidToBytes: (uuid: string) => Buffer = memoised((uuid) =>
  ownCopy(Buffer.from(uuid.replaceAll('-', ''), 'hex')),
)

export function uuidFromBytes(bytes: Uint8Array): string {
  const hex = Buffer.from(bytes).toString('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}

/** A request id: 16 upper-case hex digits, as S3's look. */
export function randomId(): string {
  const from = drawn(8)
  return pool.toString('hex', from, from + 8).toUpperCase()
}

/** Ids are no secrets, and every request needs some: from a pool, one costs 0.5 µs in place of 1.5. */
const pool = Buffer.alloc(4096)
let poolAt = pool.length

/** Where in the pool so many random bytes are that nobody has had. */
function drawn(bytes: number): number {
  if (poolAt + bytes > pool.length) {
    randomFillSync(pool)
    poolAt = 0
  }
  poolAt += bytes
  return poolAt - bytes
}

/** Names one run of one process: 16 hex digits, never used before. */
export const newLease = (): string => randomBytes(8).toString('hex')
