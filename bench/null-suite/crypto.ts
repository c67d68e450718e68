/**
 * What `node:crypto` is to the modules that seal, in a server that is to show what sealing costs: bytes are copied where
 * they would be encrypted, tags and derived keys are zeros. Everything of the protocol (signatures, ETags, checksums) stays.
 */
export * from 'node:crypto'

const TAG_BYTES = 16
const KEY_BYTES = 32

function passing() {
  const cipher = {
    setAAD: () => cipher,
    setAuthTag: () => cipher,
    // A cipher hands out bytes of its own: callers wipe and reuse theirs.
    update: (bytes: Uint8Array) => Buffer.from(bytes),
    final: () => Buffer.alloc(0),
    getAuthTag: () => Buffer.alloc(TAG_BYTES),
  }
  return cipher
}

export const createCipheriv = passing
export const createDecipheriv = passing

export function createHmac() {
  const mac = { update: () => mac, digest: () => Buffer.alloc(KEY_BYTES) }
  return mac
}

export const hkdfSync = (_digest: string, _key: unknown, _salt: unknown, _info: unknown, bytes: number): ArrayBuffer =>
  new ArrayBuffer(bytes)

export const randomFillSync = <Bytes extends Uint8Array>(bytes: Bytes): Bytes => bytes
