import { createPrivateKey, type KeyObject } from 'node:crypto'
import { z } from 'zod'
import { openSmall, SMALL_KIND, sealSmall } from '../envelope/small-envelope.ts'
import type { RowCodec } from './table.ts'

/** A key that signs tokens, from `signsFromMs` until the next one does. It serves nothing else. */
export interface StoredSigningKey {
  readonly kid: string
  readonly privateKey: KeyObject
  readonly createdAtMs: number
  readonly signsFromMs: number
}

const KEY_REF = Buffer.from('coffer-token-k-1', 'latin1')
// Rows from before there was more than one key have no times: such a key signed from the beginning.
const schema = z.strictObject({
  kid: z.uuid(),
  sealedKey: z.base64(),
  createdAtMs: z.number().default(0),
  signsFromMs: z.number().default(0),
})

export function signingKeyCodec(key: Buffer): RowCodec<StoredSigningKey> {
  const sealing = (kid: string) =>
    ({ kind: SMALL_KIND.iamSecret, key, context: ['iam', 'token-signing-key', kid] }) as const
  return {
    encode: ({ privateKey, ...row }) => {
      const der = privateKey.export({ format: 'der', type: 'pkcs8' })
      const sealedKey = sealSmall({ ...sealing(row.kid), keyRef: KEY_REF }, der).toString('base64')
      der.fill(0)
      return { ...row, sealedKey }
    },
    decode: (stored) => {
      const { sealedKey, ...row } = schema.parse(stored)
      const der = openSmall(sealing(row.kid), Buffer.from(sealedKey, 'base64'))
      const privateKey = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
      der.fill(0)
      return { ...row, privateKey }
    },
  }
}
