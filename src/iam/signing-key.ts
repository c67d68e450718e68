import { createPrivateKey, createPublicKey, generateKeyPair, type KeyObject } from 'node:crypto'
import { promisify } from 'node:util'
import { exportJWK, type JWK } from 'jose'
import { z } from 'zod'
import { newUuid } from '../base/ids.ts'
import { openSmall, SMALL_KIND, sealSmall } from '../envelope/small-envelope.ts'
import type { MetadataStore } from '../storage/metadata/metadata-store.ts'
import { changeState } from './changes.ts'
import { IAM_SPACE } from './keyspace.ts'
import { openTable, type RowCodec } from './table.ts'

/** The key that signs tokens. It serves nothing else. */
export interface SigningKey {
  readonly kid: string
  readonly privateKey: KeyObject
  readonly publicKey: KeyObject
  readonly publicJwk: JWK
}

interface StoredSigningKey {
  readonly kid: string
  readonly privateKey: KeyObject
}

const MODULUS_BITS = 2048
const KEY_REF = Buffer.from('coffer-token-k-1', 'latin1')
const schema = z.strictObject({ kid: z.uuid(), sealedKey: z.base64() })

function signingKeyCodec(key: Buffer): RowCodec<StoredSigningKey> {
  const sealing = (kid: string) =>
    ({ kind: SMALL_KIND.iamSecret, key, context: ['iam', 'token-signing-key', kid] }) as const
  return {
    encode: ({ kid, privateKey }) => {
      const der = privateKey.export({ format: 'der', type: 'pkcs8' })
      return { kid, sealedKey: sealSmall({ ...sealing(kid), keyRef: KEY_REF }, der).toString('base64') }
    },
    decode: (stored) => {
      const { kid, sealedKey } = schema.parse(stored)
      const der = openSmall(sealing(kid), Buffer.from(sealedKey, 'base64'))
      return { kid, privateKey: createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }) }
    },
  }
}

/** The stored key, or a new one at the first start. Throws IamStateDamaged when it does not open under `tokenKey`. */
export async function openSigningKey(store: MetadataStore, tokenKey: Buffer): Promise<SigningKey> {
  const table = await openTable(store, IAM_SPACE.signingKey, signingKeyCodec(tokenKey))
  const [known] = table.values()
  const { kid, privateKey } = known ?? (await generate())
  if (!known) await changeState(store)(() => ({ changes: [table.put(kid, { kid, privateKey })], result: undefined }))
  const publicKey = createPublicKey(privateKey)
  return { kid, privateKey, publicKey, publicJwk: { ...(await exportJWK(publicKey)), kid, alg: 'RS256', use: 'sig' } }
}

async function generate(): Promise<StoredSigningKey> {
  const { privateKey } = await promisify(generateKeyPair)('rsa', { modulusLength: MODULUS_BITS })
  return { kid: newUuid(), privateKey }
}
