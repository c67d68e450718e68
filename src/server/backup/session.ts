import { readFile } from 'node:fs/promises'
import type { Clock } from '../../base/clock.ts'
import { randomId } from '../../base/ids.ts'
import type { InstanceKey } from '../../envelope/instance-key.ts'
import type { Garbage } from '../../objects/garbage.ts'
import { encodePairs, type StoredRows } from '../../storage/metadata/stored-rows.ts'
import type { OwnAudit } from '../audit-room.ts'
import type { ServedFoundation } from '../foundation.ts'
import type { StorageClass } from '../storage-classes.ts'
import type { StoreName } from '../stores.ts'
import { laterBackupId } from './manifest.ts'

/** What one backup is taken from: a server at one moment. Until it is disposed, nothing that it shows is removed. */
export interface BackupSession extends AsyncDisposable {
  readonly info: SessionInfo
  /** All rows of a store, encoded (stored-rows.ts). Once: the snapshot of the store goes with its end. */
  readonly rows: (store: string) => AsyncIterable<Uint8Array>
  /** Signs the manifest with this digest, while the session lasts. */
  readonly sign: (digest: string) => Promise<string>
}

export interface SessionInfo {
  /** Also the name by which the audit log has the backup. */
  readonly id: string
  readonly takenAt: string
  readonly version: string
  readonly instanceKeyId: string
  readonly signingKeyId: string
  readonly publicKeyPem: string
  readonly dataDir: string
  readonly stores: readonly string[]
  readonly storageClasses: readonly StorageClass[]
}

export interface ServedSessionOptions {
  readonly foundation: Pick<ServedFoundation, 'dataDir' | 'instanceKey' | 'levels'>
  readonly audit: Pick<OwnAudit, 'activity' | 'publicKey' | 'signBackup'>
  /** Undefined in a process without objects. */
  readonly garbage: Pick<Garbage, 'hold'> | undefined
  readonly storageClasses: readonly StorageClass[]
  readonly clock: Clock
}

/** Everything, or the keys of the embedded key service alone. */
export type BackupOf = 'all' | 'keys'

/** Of a server that runs. `after`: the newest backup beside which it is to lie. Throws AuditUnavailable. */
export async function beginBackup(
  options: ServedSessionOptions,
  what: BackupOf,
  after?: string,
): Promise<BackupSession> {
  const { foundation, audit, garbage, storageClasses, clock } = options
  audit.activity.ready()
  await using scope = new AsyncDisposableStack()
  const hold = what === 'all' ? await garbage?.hold() : undefined
  if (hold) scope.use(hold)
  // In one turn: what one store says of another was acknowledged before, so it is in both.
  const takenAtMs = clock.now()
  const levels = [...foundation.levels].filter(([name]) => what === 'all' || name === 'kms')
  const stores = levels.map(([name, level]) => [name, level.storedRows()] as const)
  for (const [, rows] of stores) scope.use(rows)
  const session = await sessionOf({
    ...{ ...foundation, stores, takenAtMs, after, storageClasses },
    key: { ...audit.publicKey, sign: audit.signBackup },
    resources: scope.move(),
  })
  try {
    const { id: target } = session.info
    const action = what === 'all' ? 'store.backup' : 'store.keys-backup'
    const done = { action, outcome: 'success', target } as const
    audit.activity.record({ ...done, iamId: 'coffer', requestId: randomId() })
    // With it, all that was recorded before the snapshot is durable and signed.
    await audit.activity.settled()
    return session
  } catch (error) {
    await session[Symbol.asyncDispose]()
    throw error
  }
}

export interface SessionParts {
  readonly dataDir: string
  readonly instanceKey: Pick<InstanceKey, 'id'>
  readonly stores: readonly (readonly [StoreName, StoredRows])[]
  readonly takenAtMs: number
  readonly after: string | undefined
  readonly storageClasses: readonly StorageClass[]
  readonly key: { readonly keyId: string; readonly publicKeyPem: string; readonly sign: (digest: string) => string }
  /** Disposed with the session. */
  readonly resources: AsyncDisposableStack
}

export async function sessionOf(parts: SessionParts): Promise<BackupSession> {
  const { dataDir, instanceKey, stores, takenAtMs, after, storageClasses, key, resources } = parts
  return {
    info: {
      id: laterBackupId(after, takenAtMs),
      takenAt: new Date(takenAtMs).toISOString(),
      version: await ownVersion(),
      instanceKeyId: instanceKey.id,
      signingKeyId: key.keyId,
      publicKeyPem: key.publicKeyPem,
      ...{ dataDir, storageClasses },
      stores: stores.map(([name]) => name).sort(),
    },
    rows: async function* (store) {
      const rows = stores.find(([name]) => name === store)?.[1]
      if (!rows) throw new Error(`there is no store ${store}`)
      for await (const page of rows.pages()) yield encodePairs(page)
      await rows[Symbol.asyncDispose]()
    },
    sign: async (digest) => {
      if (resources.disposed) throw new Error('the backup has ended')
      return key.sign(digest)
    },
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  }
}

async function ownVersion(): Promise<string> {
  const text = await readFile(new URL('../../../package.json', import.meta.url), 'utf8')
  const { version }: { readonly version: string } = JSON.parse(text)
  return version
}
