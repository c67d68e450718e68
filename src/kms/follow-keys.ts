import { uuidFromBytes } from '../base/ids.ts'
import type { ChangedRow } from '../storage/metadata/changed-row.ts'
import { rangeWithDamaged } from '../storage/metadata/damaged-rows.ts'
import type { MetadataStore } from '../storage/metadata/metadata-store.ts'
import { type AliasRecord, aliasRecords } from './aliases.ts'
import type { KeyEntry } from './catalog.ts'
import type { KmsContext } from './context.ts'
import { kmsError } from './errors.ts'
import { decodeVersion, type KeyVersion } from './key-versions.ts'
import { type KeyRecord, keyRecords } from './keys.ts'
import { KEY_ROW_BYTES, KMS_SPACE, rowsUnder } from './keyspace.ts'
import type { KeyDamage } from './load-catalog.ts'
import { type RowReader, readRow, rowAgain } from './rows.ts'

/** More than any key has that was not rotated for years without end. */
const MAX_VERSIONS = 100_000

interface FollowOptions {
  readonly store: MetadataStore
  readonly context: KmsContext
  readonly onDamage: (damage: KeyDamage) => void
}

/** A key as it is stored now. Without a record: it is gone. */
interface FoundKey {
  readonly instanceId: string
  readonly id: string
  record?: KeyRecord
  readonly versions: KeyVersion[]
  damage?: unknown
}

/**
 * Takes in what the thread that owns the keys has committed. That one answers nobody before all others have it, so that a key
 * that is disabled is so everywhere. Registrations are left out: only what changes keys asks for them. What is known of a
 * changed key may not hold any more: whoever uses it is told as if it was synced.
 */
export function followKeys({
  store,
  context,
  onDamage,
}: FollowOptions): (rows: readonly ChangedRow[]) => Promise<void> {
  const { catalog, instances, materials } = context

  const readKey = async (row: Buffer): Promise<FoundKey> => {
    const found: FoundKey = {
      instanceId: uuidFromBytes(row.subarray(0, 16)),
      id: uuidFromBytes(row.subarray(16)),
      versions: [],
    }
    const reader = (read: RowReader['read']): RowReader => ({
      read,
      damaged: (_, cause) => {
        found.damage ??= cause
      },
    })
    const stored = await rowAgain(store, { space: KMS_SPACE.key, key: row })
    if (!stored) return found
    readRow(
      stored,
      reader(({ value }) => {
        found.record = keyRecords.decode(value)
      }),
    )
    const bounds = { ...rowsUnder(row), limit: MAX_VERSIONS }
    const keep = reader(({ key, value }) => {
      found.versions.push(decodeVersion(key.readUInt32BE(KEY_ROW_BYTES), value))
    })
    for (const each of await rangeWithDamaged(store, KMS_SPACE.version, bounds)) readRow(each, keep)
    if (found.versions.length === 0) found.damage ??= kmsError('KeyDamaged', 'a key has no version')
    return found
  }

  const drop = (entry: KeyEntry | undefined): void => {
    if (!entry) return
    materials.forget(entry)
    catalog.remove(entry)
  }
  const applyKey = ({ instanceId, id, record, versions, damage }: FoundKey): void => {
    const entry = catalog.find(instanceId, id)
    if (damage !== undefined) {
      drop(entry)
      if (!catalog.isDamaged(instanceId, id)) catalog.addDamaged(instanceId, id)
      return onDamage({ instanceId, keyId: id, what: 'the record of a key', cause: damage })
    }
    if (!record) return drop(entry)
    if (!entry) {
      const made = { instanceId, id, record, versions, unavailable: false }
      return catalog.add({ ...made, registrations: new Map(), aliases: new Map() })
    }
    entry.record = record
    entry.versions = versions
    materials.forget(entry)
    context.tell('synced', entry)
  }

  const readAlias = async (row: ChangedRow) => {
    const found: { record?: AliasRecord } = {}
    const stored = await rowAgain(store, row)
    const [instanceId, alias] = [uuidFromBytes(row.key.subarray(0, 16)), row.key.toString('utf8', 16)]
    const damaged = (_: Buffer, cause: unknown): void => onDamage({ instanceId, what: `the alias ${alias}`, cause })
    const read: RowReader['read'] = ({ value }) => {
      found.record = aliasRecords.decode(value)
    }
    if (stored) readRow(stored, { read, damaged })
    return { instanceId, alias, record: found.record }
  }
  const applyAlias = ({ instanceId, alias, record }: Awaited<ReturnType<typeof readAlias>>): void => {
    const before = catalog.find(instanceId, alias)
    if (before) catalog.removeAlias(before, alias)
    const entry = record && catalog.find(instanceId, record.keyId)
    if (record && entry) catalog.addAlias(entry, alias, record)
  }

  return async (rows) => {
    const ofKeys = rows.filter(({ space }) => space === KMS_SPACE.key || space === KMS_SPACE.version)
    const names = new Set(ofKeys.map(({ key }) => key.toString('hex', 0, KEY_ROW_BYTES)))
    const [keys, aliases, applyInstances] = await Promise.all([
      Promise.all(Array.from(names, (name) => readKey(Buffer.from(name, 'hex')))),
      Promise.all(rows.filter(({ space }) => space === KMS_SPACE.alias).map(readAlias)),
      instances.follow(rows),
    ])
    for (const key of keys) applyKey(key)
    for (const alias of aliases) applyAlias(alias)
    applyInstances()
  }
}
