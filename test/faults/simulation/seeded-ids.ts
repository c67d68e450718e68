import crypto, { createHash } from 'node:crypto'
import { syncBuiltinESMExports } from 'node:module'
import { randomId } from '../../../src/base/ids.ts'
import { newDek } from '../../../src/envelope/dek.ts'

/** Until disposed, random bytes and UUIDs of this process follow from the seed, and with them the order of rows. */
export function seededIds(seed: string): Disposable {
  const { randomBytes, randomUUID, randomFillSync } = crypto
  let made = 0
  const next = (length: number): Buffer => {
    const out = createHash('shake256', { outputLength: length }).update(`${seed} ${made++}`)
    return out.digest()
  }
  const uuid: typeof randomUUID = () => {
    const hex = next(16).toString('hex')
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20)}`
  }
  const fill = <Bytes extends Uint8Array>(bytes: Bytes): Bytes => {
    bytes.set(next(bytes.length))
    return bytes
  }
  Object.assign(crypto, { randomBytes: next, randomUUID: uuid, randomFillSync: fill })
  syncBuiltinESMExports()
  // What was drawn ahead, before, is used up: all that is random from here on follows from the seed.
  for (const draw of [randomId, () => newDek()[Symbol.dispose]()]) {
    const before = made
    while (made === before) draw()
  }
  return {
    [Symbol.dispose]: () => {
      Object.assign(crypto, { randomBytes, randomUUID, randomFillSync })
      syncBuiltinESMExports()
    },
  }
}
