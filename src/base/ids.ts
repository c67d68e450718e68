import { randomBytes, randomFillSync, randomUUID } from 'node:crypto'

export const newUuid = (): string => randomUUID()

/** 16 random bytes from their own memory, not from Node's shared pool. */
export const random16 = (): Buffer => randomBytes(16)

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i
export const isUuid = (text: string): boolean => UUID.test(text)

export const uuidToBytes = (uuid: string): Buffer => Buffer.from(uuid.replaceAll('-', ''), 'hex')

export function uuidFromBytes(bytes: Uint8Array): string {
  const hex = Buffer.from(bytes).toString('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}

/** A request id: 16 upper-case hex digits, as S3's look. From a pool: it is no secret, and every request needs one. */
export function randomId(): string {
  if (poolAt + 8 > pool.length) {
    randomFillSync(pool)
    poolAt = 0
  }
  poolAt += 8
  return pool.toString('hex', poolAt - 8, poolAt).toUpperCase()
}

const pool = Buffer.alloc(4096)
let poolAt = pool.length

/** Names one run of one process: 16 hex digits, never used before. */
export const newLease = (): string => randomBytes(8).toString('hex')
