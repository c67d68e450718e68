import { createCipheriv, createDecipheriv, createHmac, hash, randomBytes } from 'node:crypto'

/** What a small envelope of 32 bytes needs at least: one digest, three HMACs, one AES-256-GCM. */
export function rawSealing(): () => void {
  const [key, nonce, plaintext, info] = [randomBytes(32), Buffer.alloc(12), randomBytes(32), randomBytes(82)]
  return () => {
    const gcm = createCipheriv('aes-256-gcm', derived(key, randomBytes(16), info), nonce).setAAD(info)
    gcm.update(plaintext)
    gcm.final()
    gcm.getAuthTag()
  }
}

/** The same, the other way round. */
export function rawOpening(): () => void {
  const [key, nonce, info, salt] = [randomBytes(32), Buffer.alloc(12), randomBytes(82), randomBytes(16)]
  const gcm = createCipheriv('aes-256-gcm', derived(key, salt, info), nonce).setAAD(info)
  const ciphertext = gcm.update(randomBytes(32))
  gcm.final()
  const tag = gcm.getAuthTag()
  return () => {
    const open = createDecipheriv('aes-256-gcm', derived(key, salt, info), nonce, { authTagLength: 16 })
    open.setAAD(info).setAuthTag(tag).update(ciphertext)
    open.final()
  }
}

function derived(key: Buffer, salt: Buffer, info: Buffer): Buffer {
  const context = hash('sha256', info, 'buffer')
  const secret = createHmac('sha256', salt).update(key).digest()
  const expand = (label: string) => createHmac('sha256', secret).update(label).update(context).digest()
  expand('commitment')
  return expand('key')
}
