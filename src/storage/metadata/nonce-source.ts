import { CodedError } from '../../base/errors.ts'
import { random16 } from '../../base/ids.ts'
import type { NonceSource } from '../../base/nonces.ts'
import type { MetadataStore } from './metadata-store.ts'

/** Space 254: epoch number (four bytes, big-endian) → its salt (16 bytes), in clear: salts are no secrets. */
export const NONCE_SPACE = 254

export type NonceSourceErrorCode =
  /** The epoch is used up and no next one could be stored. Nothing may be sealed any more. */
  | 'NoncesExhausted'
  /** The stored epochs are damaged, or used up. */
  | 'NonceEpochsCorrupt'

export interface NonceSourceOptions {
  /** The next epoch is prepared from this use on. */
  readonly rollAt?: number
  /** No epoch is used more often than this. At most 2^32. */
  readonly usesPerEpoch?: number
}

interface Epoch {
  readonly epoch: number
  readonly salt: Buffer
}

/**
 * Starts a new epoch, durable before this resolves. `store` is the store itself, not a sealed one around it: sealing
 * needs the salts.
 */
export async function openNonceSource(store: MetadataStore, options: NonceSourceOptions = {}): Promise<NonceSource> {
  const { rollAt = 2 ** 31, usesPerEpoch = 2 ** 32 } = options
  const salts = await readSalts(store)
  let current = await startEpoch(store, salts)
  let counter = 0
  let next: Epoch | undefined
  let preparing = false

  const prepare = async (): Promise<void> => {
    preparing = true
    try {
      next = await startEpoch(store, salts)
    } catch {
      // Tried again at a later use; when the epoch runs out before one succeeds, `next` throws.
    } finally {
      preparing = false
    }
  }

  return {
    next: () => {
      if (next) {
        current = next
        next = undefined
        counter = 0
      }
      // Precondition: a counter is used once in its epoch, and an epoch belongs to one opening of the store.
      if (counter >= usesPerEpoch) {
        throw new CodedError<NonceSourceErrorCode>(
          'NoncesExhausted',
          'no nonce is left and no new epoch could be stored',
        )
      }
      if (counter >= rollAt && !preparing) void prepare()
      return { epoch: current.epoch, salt: current.salt, counter: counter++ }
    },
    salt: (epoch) => salts.get(epoch),
  }
}

const MAX_EPOCH = 0xffff_ffff

const epochKey = (epoch: number): Buffer => {
  const key = Buffer.allocUnsafe(4)
  key.writeUInt32BE(epoch)
  return key
}

async function readSalts(store: MetadataStore): Promise<Map<number, Buffer>> {
  const salts = new Map<number, Buffer>()
  let gte = epochKey(0)
  for (;;) {
    const rows = await store.range(NONCE_SPACE, { gte, lt: Buffer.alloc(5, 0xff), limit: 1000 })
    for (const { key, value } of rows) {
      if (key.length !== 4 || value.length !== 16) throw epochsCorrupt('a stored nonce epoch does not decode')
      salts.set(key.readUInt32BE(), value)
    }
    const last = rows.at(-1)
    if (!last || rows.length < 1000) return salts
    gte = Buffer.concat([last.key, Buffer.of(0)])
  }
}

async function startEpoch(store: MetadataStore, salts: Map<number, Buffer>): Promise<Epoch> {
  // Epochs are read and added in ascending order.
  const epoch = ([...salts.keys()].at(-1) ?? -1) + 1
  if (epoch > MAX_EPOCH) throw epochsCorrupt('all nonce epochs are used up')
  const salt = random16()
  const committed = await store.commit([
    { type: 'put', space: NONCE_SPACE, key: epochKey(epoch), value: salt, if: null },
  ])
  if (!committed) throw epochsCorrupt('another writer has taken the next nonce epoch')
  salts.set(epoch, salt)
  return { epoch, salt }
}

const epochsCorrupt = (message: string): CodedError<NonceSourceErrorCode> =>
  new CodedError('NonceEpochsCorrupt', message)
