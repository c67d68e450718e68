import { uuidFromBytes } from '../base/ids.ts'
import type { Entry, MetadataStore } from '../storage/metadata/metadata-store.ts'
import { aliasRecords } from './aliases.ts'
import { type Catalog, createCatalog, type KeyEntry } from './catalog.ts'
import { kmsError } from './errors.ts'
import { decodeVersion, type KeyVersion } from './key-versions.ts'
import { keyRecords } from './keys.ts'
import { KEY_ROW_BYTES, KMS_SPACE, resourceOfRow } from './keyspace.ts'
import { type RegistrationRecord, registrationRecords } from './registrations.ts'
import { eachRow } from './rows.ts'

type LoadedEntry = KeyEntry & { readonly versions: KeyVersion[] }

/** A stored row that cannot be read, or belongs to nothing. What it is of is refused until it is restored. */
export interface KeyDamage {
  readonly instanceId: string
  readonly keyId?: string
  /** What is damaged, in words. */
  readonly what: string
  readonly cause: unknown
}

/**
 * Reads everything once. A key with a row that cannot be read is none of the others' concern: it is refused with KeyDamaged,
 * and its rows stay as they are. A registration that cannot be read still keeps its key from deletion.
 */
export async function loadCatalog(store: MetadataStore, onDamage: (damage: KeyDamage) => void): Promise<Catalog> {
  const catalog = createCatalog(store)
  const entries = new Map<string, LoadedEntry>()
  const told = new Set<string>()
  const keyDamaged = (row: Buffer, what: string, cause: unknown): void => {
    const [instanceId, keyId] = [uuidFromBytes(row.subarray(0, 16)), uuidFromBytes(row.subarray(16, KEY_ROW_BYTES))]
    catalog.addDamaged(instanceId, keyId)
    if (told.has(keyId)) return
    told.add(keyId)
    onDamage({ instanceId, keyId, what, cause })
  }

  await eachRow(store, KMS_SPACE.key, {
    read: (row) => void entries.set(row.key.toString('hex'), entryOf(row)),
    damaged: (row, cause) => keyDamaged(row, 'the record of a key', cause),
  })
  const ownerOf = (row: Buffer): LoadedEntry => {
    const entry = entries.get(row.toString('hex', 0, KEY_ROW_BYTES))
    if (!entry) throw kmsError('KeyDamaged', 'a stored record belongs to a key that cannot be read')
    return entry
  }
  await eachRow(store, KMS_SPACE.version, {
    read: ({ key, value }) => ownerOf(key).versions.push(decodeVersion(key.readUInt32BE(KEY_ROW_BYTES), value)),
    damaged: (row, cause) => keyDamaged(row, 'a version of a key', cause),
  })
  for (const [row, { versions }] of entries) {
    if (versions.length > 0) continue
    keyDamaged(Buffer.from(row, 'hex'), 'a key without a version', kmsError('KeyDamaged', 'a key has no version'))
  }
  await eachRow(store, KMS_SPACE.registration, {
    read: ({ key, value }) => {
      const record = registrationRecords.decode(value)
      ownerOf(key).registrations.set(record.resourceCrn, record)
    },
    damaged: (row, cause) => {
      const entry = entries.get(row.toString('hex', 0, KEY_ROW_BYTES))
      const resourceCrn = resourceOfRow(row)
      if (!entry || resourceCrn === undefined) return keyDamaged(row, 'a registration of a key', cause)
      entry.registrations.set(resourceCrn, unreadable(resourceCrn, entry.record.createdAt))
      const { instanceId, id: keyId } = entry
      onDamage({ instanceId, keyId, what: `the registration of ${resourceCrn}`, cause })
    },
  })
  for (const entry of [...entries.values()].sort(byCreation)) {
    if (!catalog.isDamaged(entry.instanceId, entry.id)) catalog.add(entry)
  }
  await loadAliases(store, catalog, onDamage)
  return catalog
}

const byCreation = (a: KeyEntry, b: KeyEntry): number => a.record.createdAt - b.record.createdAt

/** Stands for a registration that cannot be read, so that its key is not deleted as if there were none. */
const unreadable = (resourceCrn: string, at: number): RegistrationRecord => ({
  resourceCrn,
  description: 'The stored registration is damaged.',
  preventKeyDeletion: true,
  createdAt: at,
  createdBy: 'unknown',
  updatedAt: at,
  updatedBy: 'unknown',
})

function entryOf(row: Entry): LoadedEntry {
  const record = keyRecords.decode(row.value)
  if (uuidFromBytes(row.key.subarray(16)) !== record.id) {
    throw kmsError('KeyDamaged', 'a key record does not belong to its row')
  }
  return {
    instanceId: uuidFromBytes(row.key.subarray(0, 16)),
    id: record.id,
    record,
    versions: [],
    registrations: new Map(),
    aliases: new Map(),
    unavailable: false,
  }
}

async function loadAliases(store: MetadataStore, catalog: Catalog, onDamage: (damage: KeyDamage) => void) {
  await eachRow(store, KMS_SPACE.alias, {
    read: (row) => {
      const record = aliasRecords.decode(row.value)
      const instanceId = uuidFromBytes(row.key.subarray(0, 16))
      const entry = catalog.find(instanceId, record.keyId)
      if (entry) return catalog.addAlias(entry, row.key.toString('utf8', 16), record)
      // Told with its key.
      if (catalog.isDamaged(instanceId, record.keyId)) return
      throw kmsError('KeyDamaged', 'an alias names a key that does not exist')
    },
    damaged: (row, cause) =>
      onDamage({
        instanceId: uuidFromBytes(row.subarray(0, 16)),
        what: `the alias ${row.toString('utf8', 16)}`,
        cause,
      }),
  })
}
