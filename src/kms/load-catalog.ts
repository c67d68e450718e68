import { uuidFromBytes } from '../base/ids.ts'
import type { Entry, MetadataStore } from '../storage/metadata/metadata-store.ts'
import { aliasRecords } from './aliases.ts'
import { type Catalog, createCatalog, type KeyEntry } from './catalog.ts'
import { kmsError } from './errors.ts'
import { decodeVersion, type KeyVersion } from './key-versions.ts'
import { keyRecords } from './keys.ts'
import { KEY_ROW_BYTES, KMS_SPACE } from './keyspace.ts'
import { registrationRecords } from './registrations.ts'
import { rows } from './rows.ts'

type LoadedEntry = KeyEntry & { readonly versions: KeyVersion[] }

/** Reads everything once. Throws KeyDamaged when a stored record does not decode or belongs to nothing. */
export async function loadCatalog(store: MetadataStore): Promise<Catalog> {
  const entries = await loadKeys(store)
  const ownerOf = (row: Entry): LoadedEntry => {
    const entry = entries.get(row.key.toString('hex', 0, KEY_ROW_BYTES))
    if (!entry) throw kmsError('KeyDamaged', 'a stored record belongs to a key that does not exist')
    return entry
  }
  for await (const row of rows(store, KMS_SPACE.version)) {
    ownerOf(row).versions.push(decodeVersion(row.key.readUInt32BE(KEY_ROW_BYTES), row.value))
  }
  for await (const row of rows(store, KMS_SPACE.registration)) {
    const record = registrationRecords.decode(row.value)
    ownerOf(row).registrations.set(record.resourceCrn, record)
  }
  const catalog = createCatalog(store)
  for (const entry of [...entries.values()].sort(byCreation)) {
    if (entry.versions.length === 0) throw kmsError('KeyDamaged', 'a key has no version')
    catalog.add(entry)
  }
  await loadAliases(store, catalog)
  return catalog
}

const byCreation = (a: KeyEntry, b: KeyEntry): number => a.record.createdAt - b.record.createdAt

async function loadKeys(store: MetadataStore): Promise<Map<string, LoadedEntry>> {
  const entries = new Map<string, LoadedEntry>()
  for await (const row of rows(store, KMS_SPACE.key)) {
    const record = keyRecords.decode(row.value)
    if (uuidFromBytes(row.key.subarray(16)) !== record.id) {
      throw kmsError('KeyDamaged', 'a key record does not belong to its row')
    }
    entries.set(row.key.toString('hex'), {
      instanceId: uuidFromBytes(row.key.subarray(0, 16)),
      id: record.id,
      record,
      versions: [],
      registrations: new Map(),
      aliases: new Map(),
      unavailable: false,
    })
  }
  return entries
}

async function loadAliases(store: MetadataStore, catalog: Catalog): Promise<void> {
  for await (const row of rows(store, KMS_SPACE.alias)) {
    const record = aliasRecords.decode(row.value)
    const entry = catalog.find(uuidFromBytes(row.key.subarray(0, 16)), record.keyId)
    if (!entry) throw kmsError('KeyDamaged', 'an alias names a key that does not exist')
    catalog.addAlias(entry, row.key.toString('utf8', 16), record)
  }
}
