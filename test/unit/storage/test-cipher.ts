import { createCipheriv, createDecipheriv } from 'node:crypto'
import type { RecordCipher } from '../../../src/base/nonces.ts'

const KEY = Buffer.alloc(32, 7)
let counter = 0

/** AES-256-GCM under a fixed key: enough to see that a store binds each value to its place. */
export const testCipher: RecordCipher = {
  seal: (aad, plaintext) => {
    const nonce = Buffer.alloc(12)
    nonce.writeUInt32BE(counter++, 8)
    const cipher = createCipheriv('aes-256-gcm', KEY, nonce).setAAD(aad)
    return Buffer.concat([nonce, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()])
  },
  open: (aad, sealed) => {
    const decipher = createDecipheriv('aes-256-gcm', KEY, sealed.subarray(0, 12), { authTagLength: 16 })
    decipher.setAAD(aad).setAuthTag(sealed.subarray(-16))
    return Buffer.concat([decipher.update(sealed.subarray(12, -16)), decipher.final()])
  },
}
