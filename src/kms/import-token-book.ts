import { newUuid, uuidFromBytes, uuidToBytes } from '../base/ids.ts'
import type { Serial } from '../base/serial.ts'
import type { MetadataStore } from '../storage/metadata/metadata-store.ts'
import { kmsError } from './errors.ts'
import { newTokenKeys, openSecrets, sealSecrets } from './import-token-secrets.ts'
import {
  checkNewImportToken,
  type ImportTokenRecord,
  importTokenRecords,
  type NewImportToken,
} from './import-tokens.ts'
import { KMS_SPACE, rowsUnder } from './keyspace.ts'
import type { KeyDamage } from './load-catalog.ts'
import { eachRow } from './rows.ts'
import { openTransport, type TransportedMaterial } from './transport.ts'

/** The import tokens, one an instance, in memory; the store is written first. */
export interface ImportTokenBook {
  /** In place of the one before, whose private key is destroyed. Throws InvalidField, KeyUnavailable. */
  readonly create: (instanceId: string, createdBy: string, token: NewImportToken) => Promise<ImportTokenRecord>
  /** Counted before it is given. Throws ImportTokenNotFound, ImportTokenExpired, KeyUnavailable, KeyDamaged. */
  readonly retrieve: (instanceId: string) => Promise<RetrievedImportToken>
  /** The material, for the caller to zero. Throws ImportTokenExpired, IncorrectNonce, IncorrectNonceIv, InvalidField. */
  readonly receive: (instanceId: string, transported: TransportedMaterial) => Promise<Buffer>
  /** Destroys the private keys of expired tokens. */
  readonly sweep: () => Promise<void>
  readonly close: () => void
}

export interface RetrievedImportToken {
  readonly record: ImportTokenRecord
  readonly nonce: Buffer
}

export interface ImportTokenOptions {
  readonly store: MetadataStore
  /** The caller keeps it until close. */
  readonly sealingKey: Buffer
  readonly serial: Serial
  readonly keyBits: number
  readonly now: () => number
  readonly onDamage: (damage: KeyDamage) => void
  /** Another thread destroys what has expired. */
  readonly follows?: boolean | undefined
}

/** A token that cannot be read is refused until another one takes its place. */
export async function openImportTokenBook(options: ImportTokenOptions): Promise<ImportTokenBook> {
  const { store, sealingKey, serial, keyBits, now, onDamage, follows = false } = options
  const tokens = new Map<string, ImportTokenRecord>()
  const timers = new Map<string, NodeJS.Timeout>()
  const damaged = new Set<string>()
  await eachRow(store, KMS_SPACE.importToken, {
    read: ({ key, value }) => void tokens.set(uuidFromBytes(key), importTokenRecords.decode(value)),
    damaged: (key, cause) => {
      const instanceId = uuidFromBytes(key)
      damaged.add(instanceId)
      onDamage({ instanceId, what: 'the import token', cause })
    },
  })
  // An earlier run may have ended between overwriting and compacting.
  let uncompacted = tokens.size + damaged.size > 0
  let closed = false

  const compact = async (): Promise<void> => {
    await store.compact?.(KMS_SPACE.importToken, rowsUnder(Buffer.alloc(0)))
    uncompacted = false
  }
  /** What overwrites must not meet what it overwrites in LevelDB's memory, nor may what was overwritten stay. */
  const overwriting = async (overwrite: () => Promise<void>): Promise<void> => {
    await compact()
    uncompacted = true
    await overwrite()
    // The next sweep tries again.
    await compact().catch(() => {})
  }
  const write = async (instanceId: string, record: ImportTokenRecord): Promise<void> => {
    const [key, value] = [uuidToBytes(instanceId), importTokenRecords.encode(record)]
    try {
      await store.commit([{ type: 'put', space: KMS_SPACE.importToken, key, value }])
    } catch (cause) {
      throw kmsError('KeyUnavailable', 'the import token could not be written', {}, cause)
    }
    tokens.set(instanceId, record)
    damaged.delete(instanceId)
  }

  const isOver = ({ expiresAt }: ImportTokenRecord): boolean => expiresAt <= now()
  const inTurn = <T>(instanceId: string, act: () => Promise<T>): Promise<T> =>
    serial.run(`import token ${instanceId}`, act)

  const destroyIfOver = (instanceId: string): Promise<void> =>
    inTurn(instanceId, async () => {
      const record = tokens.get(instanceId)
      if (record?.sealed == null || !isOver(record)) return
      await overwriting(() => write(instanceId, { ...record, sealed: null }))
    })

  /** The sweep does it too, when this fails or the clock is another one than the timer's. */
  const destroyInTime = (instanceId: string, { expiresAt }: ImportTokenRecord): void => {
    clearTimeout(timers.get(instanceId))
    if (closed || follows) return
    const destroy = () => void destroyIfOver(instanceId).catch(() => {})
    timers.set(instanceId, setTimeout(destroy, Math.max(0, expiresAt - now())).unref())
  }
  for (const [instanceId, record] of tokens) if (record.sealed !== null) destroyInTime(instanceId, record)

  /** Throws ImportTokenExpired, KeyDamaged. */
  const liveToken = (instanceId: string) => {
    if (damaged.has(instanceId)) throw kmsError('KeyDamaged', 'the import token is damaged: make another one')
    const record = tokens.get(instanceId)
    if (record?.sealed == null || isOver(record)) throw expired()
    return { record, sealed: Buffer.from(record.sealed, 'base64') }
  }

  const newRecord = async (
    instanceId: string,
    createdBy: string,
    token: NewImportToken,
  ): Promise<ImportTokenRecord> => {
    // One at a time: the threads that find RSA keys also read and write files.
    const { publicKey, secrets } = await serial.run('import token keys', () => newTokenKeys(keyBits))
    using made = secrets
    const [id, createdAt] = [newUuid(), now()]
    return {
      id,
      createdAt,
      createdBy,
      expiresAt: createdAt + token.lifetimeSeconds * 1000,
      maxRetrievals: token.maxRetrievals,
      remainingRetrievals: token.maxRetrievals,
      publicKey,
      sealed: sealSecrets(sealingKey, instanceId, id, made).toString('base64'),
    }
  }

  return {
    create: async (instanceId, createdBy, token) => {
      checkNewImportToken(token)
      return inTurn(instanceId, async () => {
        const record = await newRecord(instanceId, createdBy, token)
        const replace = () => write(instanceId, record)
        const isSecretThere = damaged.has(instanceId) || tokens.get(instanceId)?.sealed != null
        await (isSecretThere ? overwriting(replace) : replace())
        destroyInTime(instanceId, record)
        return record
      })
    },
    retrieve: (instanceId) =>
      inTurn(instanceId, async () => {
        if (!tokens.has(instanceId) && !damaged.has(instanceId))
          throw kmsError('ImportTokenNotFound', 'the instance has no import token')
        const { record, sealed } = liveToken(instanceId)
        if (record.remainingRetrievals < 1) throw expired()
        using secrets = openSecrets(sealingKey, instanceId, record.id, sealed)
        const counted = { ...record, remainingRetrievals: record.remainingRetrievals - 1 }
        await write(instanceId, counted)
        return { record: counted, nonce: Buffer.from(secrets.nonce) }
      }),
    receive: async (instanceId, transported) => {
      const { record, sealed } = liveToken(instanceId)
      using secrets = openSecrets(sealingKey, instanceId, record.id, sealed)
      return await openTransport(secrets, transported)
    },
    sweep: async () => {
      for (const instanceId of [...tokens.keys()]) await destroyIfOver(instanceId)
      if (uncompacted) await compact()
    },
    close: () => {
      closed = true
      for (const timer of timers.values()) clearTimeout(timer)
    },
  }
}

const expired = () => kmsError('ImportTokenExpired', 'the import token has expired or has been retrieved often enough')
