import { createPublicKey, generateKeyPair, type KeyObject } from 'node:crypto'
import { promisify } from 'node:util'
import { exportJWK, type JSONWebKeySet, type JWK } from 'jose'
import type { Clock } from '../base/clock.ts'
import { newUuid } from '../base/ids.ts'
import { createSerial } from '../base/serial.ts'
import { changeState } from './changes.ts'
import { IAM_SPACE } from './keyspace.ts'
import { type StoredSigningKey, signingKeyCodec } from './signing-key-row.ts'
import { openTable, type TableStore } from './table.ts'
import { MAX_TOKEN_LIFE_MS } from './token-settings.ts'

export interface SigningKeySettings {
  /** A key signs this long; then the next one does. */
  readonly maxAgeMs: number
  /** A key is shown this long before it signs, so that who verifies tokens elsewhere has it by then. */
  readonly leadMs: number
}

export interface SigningKeyInfo {
  readonly kid: string
  readonly state: 'waiting' | 'signing' | 'retired'
  readonly createdAtMs: number
  readonly signsFromMs: number
}

/**
 * Several keys, so that changing them cuts nobody off: one waits, one signs, and those before it verify until the last
 * token that they signed has expired. Then they are destroyed.
 */
export interface SigningKeys {
  /** The one that signs at this moment. */
  readonly current: () => { readonly kid: string; readonly privateKey: KeyObject }
  readonly publicKey: (kid: string) => KeyObject | undefined
  /** Public keys, with the one that does not sign yet and those that do not sign any more. */
  readonly jwks: () => JSONWebKeySet
  /** Oldest first. */
  readonly list: () => readonly SigningKeyInfo[]
  /** Makes a next key when the newest grows old, and destroys what nothing needs. To be called now and then. */
  readonly maintain: () => Promise<void>
  /** A next key now, which signs when it has been shown for `leadMs`; the one that waits already, if any. */
  readonly rotate: () => Promise<SigningKeyInfo>
  /** How long others may keep what `jwks` says: less than a key is shown before it signs. */
  readonly cacheMs: number
  /** The rows of keys have changed in another thread, and the table has taken that in. */
  readonly follow: () => Promise<void>
}

interface SigningKey extends StoredSigningKey {
  readonly publicKey: KeyObject
  readonly jwk: JWK
}

const MODULUS_BITS = 2048
const MAX_CACHE_MS = 3_600_000
/** Clocks of who verifies may be that late. */
const SKEW_MS = 60_000

export interface SigningKeysOptions {
  readonly rows: TableStore
  /** 32 bytes. */
  readonly tokenKey: Buffer
  readonly clock: Clock
  readonly settings: SigningKeySettings
}

/** The stored keys that can be read, or a new one when there is none: what others signed is refused. */
export async function openSigningKeys({ rows, tokenKey, clock, settings }: SigningKeysOptions): Promise<SigningKeys> {
  const { maxAgeMs, leadMs } = settings
  const table = await openTable(rows, IAM_SPACE.signingKey, signingKeyCodec(tokenKey))
  const change = changeState(rows.store)
  const serial = createSerial()
  const loaded = await Promise.all(Array.from(table.values(), withPublicKey))
  let keys: readonly SigningKey[] = loaded.sort(bySigning)

  /** The last that has begun; the first, if the clock says that none has. */
  const currentIndex = (): number =>
    Math.max(
      0,
      keys.findLastIndex(({ signsFromMs }) => signsFromMs <= clock.now()),
    )
  const info = (key: SigningKey): SigningKeyInfo => {
    const ahead = keys.indexOf(key) - currentIndex()
    const state = ahead > 0 ? 'waiting' : ahead === 0 ? 'signing' : 'retired'
    return { kid: key.kid, state, createdAtMs: key.createdAtMs, signsFromMs: key.signsFromMs }
  }

  const add = async (signsFromMs: number): Promise<SigningKey> => {
    const { privateKey } = await promisify(generateKeyPair)('rsa', { modulusLength: MODULUS_BITS })
    const stored = { kid: newUuid(), privateKey, createdAtMs: clock.now(), signsFromMs }
    const key = await withPublicKey(stored)
    await change(() => ({ changes: [table.put(stored.kid, stored)], result: undefined }))
    keys = [...keys, key].sort(bySigning)
    return key
  }

  const destroyExpired = async (): Promise<void> => {
    const needed = (_: SigningKey, index: number): boolean => {
      const successor = keys[index + 1]
      return successor === undefined || successor.signsFromMs + MAX_TOKEN_LIFE_MS + SKEW_MS > clock.now()
    }
    const kept = keys.filter(needed)
    const gone = keys.filter((key) => !kept.includes(key))
    if (gone.length === 0) return
    await change(() => ({ changes: gone.map(({ kid }) => table.remove(kid)), result: undefined }))
    keys = kept
  }

  if (keys.length === 0) await add(clock.now())

  return {
    current: () => required(keys[currentIndex()]),
    publicKey: (kid) => keys.find((key) => key.kid === kid)?.publicKey,
    jwks: () => ({ keys: keys.map(({ jwk }) => jwk) }),
    list: () => keys.map(info),
    maintain: () =>
      serial.run('keys', async () => {
        const newest = required(keys.at(-1))
        if (newest.signsFromMs + maxAgeMs - leadMs <= clock.now()) await add(clock.now() + leadMs)
        await destroyExpired()
      }),
    rotate: () =>
      serial.run('keys', async () => {
        const newest = required(keys.at(-1))
        return info(newest.signsFromMs > clock.now() ? newest : await add(clock.now() + leadMs))
      }),
    cacheMs: Math.min(MAX_CACHE_MS, leadMs / 2),
    follow: async () => {
      keys = (await Promise.all(Array.from(table.values(), withPublicKey))).sort(bySigning)
    },
  }
}

const bySigning = (one: SigningKey, other: SigningKey): number => one.signsFromMs - other.signsFromMs

async function withPublicKey(stored: StoredSigningKey): Promise<SigningKey> {
  const publicKey = createPublicKey(stored.privateKey)
  return { ...stored, publicKey, jwk: { ...(await exportJWK(publicKey)), kid: stored.kid, alg: 'RS256', use: 'sig' } }
}

function required(key: SigningKey | undefined): SigningKey {
  if (key === undefined) throw new Error('there is always a signing key')
  return key
}
