import { CodedError } from '../../base/errors.ts'
import { random16 } from '../../base/ids.ts'
import type { NonceSource } from '../../base/nonces.ts'
import type { FollowRows } from './changed-row.ts'
import type { Entry, MetadataStore } from './metadata-store.ts'

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
export async function openNonceSource(
  store: MetadataStore,
  options: NonceSourceOptions = {},
): Promise<FollowingNonces> {
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
    follow: following(store, salts),
  }
}

/** Of a thread that opens what others sealed, and seals nothing. */
export async function openSalts(store: MetadataStore): Promise<FollowingNonces> {
  const salts = await readSalts(store)
  return {
    next: () => {
      throw new CodedError<NonceSourceErrorCode>('NoncesExhausted', 'this thread seals nothing of this store')
    },
    salt: (epoch) => salts.get(epoch),
    follow: following(store, salts),
  }
}

/** With the epochs that other threads begin: nothing is sealed in one before all have taken its salt in. */
export interface FollowingNonces extends NonceSource {
  readonly follow: FollowRows
}

const following =
  (store: MetadataStore, salts: Map<number, Buffer>): FollowRows =>
  async (rows) => {
    const own = rows.filter(({ space, isGone }) => space === NONCE_SPACE && !isGone)
    const found = await store.getMany(
      NONCE_SPACE,
      own.map(({ key }) => key),
    )
    return () => {
      for (const row of found) if (row) learn(salts, row)
    }
  }

function learn(salts: Map<number, Buffer>, { key, value }: Pick<Entry, 'key' | 'value'>): void {
  if (key.length !== 4 || value.length !== 16) throw epochsCorrupt('a stored nonce epoch does not decode')
  salts.set(key.readUInt32BE(), value)
}

const MAX_EPOCH = 0xffff_ffff
/** Each but the first means that another thread began an epoch: all that may be set start at once. */
const MAX_ATTEMPTS = 100

const epochKey = (epoch: number): Buffer => {
  const key = Buffer.allocUnsafe(4)
  key.writeUInt32BE(epoch)
  return key
}

async function readSalts(store: MetadataStore): Promise<Map<number, Buffer>> {
  const salts = new Map<number, Buffer>()
  await readSaltsInto(store, salts)
  return salts
}

async function readSaltsInto(store: MetadataStore, salts: Map<number, Buffer>): Promise<void> {
  let gte = epochKey(0)
  for (;;) {
    const rows = await store.range(NONCE_SPACE, { gte, lt: Buffer.alloc(5, 0xff), limit: 1000 })
    for (const row of rows) learn(salts, row)
    const last = rows.at(-1)
    if (!last || rows.length < 1000) return
    gte = Buffer.concat([last.key, Buffer.of(0)])
  }
}

async function startEpoch(store: MetadataStore, salts: Map<number, Buffer>): Promise<Epoch> {
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    let last = -1
    for (const known of salts.keys()) last = Math.max(last, known)
    const epoch = last + 1
    if (epoch > MAX_EPOCH) throw epochsCorrupt('all nonce epochs are used up')
    const salt = random16()
    const committed = await store.commit([
      { type: 'put', space: NONCE_SPACE, key: epochKey(epoch), value: salt, if: null },
    ])
    if (committed) {
      salts.set(epoch, salt)
      return { epoch, salt }
    }
    // Another thread has begun it.
    await readSaltsInto(store, salts)
  }
  throw epochsCorrupt('other writers take every next nonce epoch')
}

const epochsCorrupt = (message: string): CodedError<NonceSourceErrorCode> =>
  new CodedError('NonceEpochsCorrupt', message)
