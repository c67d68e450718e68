import { createCipheriv, createDecipheriv } from 'node:crypto'
import { handOver } from '../base/spent-memory.ts'
import { forged } from './errors.ts'
import type { PartKeys } from './part-keys.ts'
import { TAG_SIZE } from './segment.ts'

export interface SegmentCipher extends Disposable {
  /** Ciphertext pieces, then the tag: handed over. */
  readonly seal: (index: number, final: boolean, plaintext: readonly Uint8Array[], lengthBytes: number) => Buffer[]
  /** Plaintext pieces, all verified and handed over. Throws EnvelopeForged. */
  readonly open: (
    index: number,
    final: boolean,
    ciphertext: readonly Uint8Array[],
    lengthBytes: number,
    tag: Uint8Array,
  ) => Buffer[]
}

const ALGORITHM = 'aes-256-gcm'
const WITH_TAG = { authTagLength: TAG_SIZE }

/** AES-256-GCM per segment: nonce = 00^7 ‖ u32(index) ‖ u8(final); AAD = prefix ‖ context ‖ u32(index) ‖ u8(final) ‖ u32(length). */
export function segmentCipher({ key, prefix, context }: Pick<PartKeys, 'key' | 'prefix' | 'context'>): SegmentCipher {
  const nonce = Buffer.alloc(12)
  const aad = Buffer.concat([prefix, context, Buffer.alloc(9)])
  const tail = prefix.length + context.length
  let disposed = false

  const address = (index: number, final: boolean, lengthBytes: number) => {
    // A zeroed key would still encrypt.
    if (disposed) throw new Error('the part key is gone')
    nonce.writeUInt32BE(index, 7)
    nonce.writeUInt8(final ? 1 : 0, 11)
    nonce.copy(aad, tail, 7, 12)
    aad.writeUInt32BE(lengthBytes, tail + 5)
  }

  return {
    seal: (index, final, plaintext, lengthBytes) => {
      address(index, final, lengthBytes)
      const cipher = createCipheriv(ALGORITHM, key, nonce, WITH_TAG).setAAD(aad)
      const out = plaintext.map((piece) => handOver(cipher.update(piece)))
      cipher.final()
      out.push(cipher.getAuthTag())
      return out
    },
    open: (index, final, ciphertext, lengthBytes, tag) => {
      address(index, final, lengthBytes)
      const decipher = createDecipheriv(ALGORITHM, key, nonce, WITH_TAG).setAAD(aad).setAuthTag(tag)
      // update() gives out unverified bytes: nothing leaves this function before final() has agreed.
      const out = ciphertext.map((piece) => decipher.update(piece))
      try {
        decipher.final()
      } catch {
        for (const piece of out) piece.fill(0)
        throw forged('a segment does not authenticate', { segment: index })
      }
      return out.map(handOver)
    },
    [Symbol.dispose]: () => {
      disposed = true
      key.fill(0)
    },
  }
}
