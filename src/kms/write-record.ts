import type { Write } from '../storage/metadata/metadata-store.ts'
import type { KeyEntry } from './catalog.ts'
import type { KmsContext } from './context.ts'
import { type KeyRecord, keyRecords } from './keys.ts'
import { KMS_SPACE, keyRow } from './keyspace.ts'

/** The key's new record, with `others` in the same commit; then `apply`. Hold the key's turn. Throws KeyUnavailable. */
export async function writeRecord(
  { catalog, now }: KmsContext,
  entry: KeyEntry,
  change: Partial<KeyRecord>,
  { others = [], apply = () => {} }: { readonly others?: readonly Write[]; readonly apply?: () => void } = {},
): Promise<void> {
  const record: KeyRecord = { ...entry.record, ...change, updatedAt: now() }
  const key = keyRow(entry.instanceId, entry.id)
  const writes: Write[] = [{ type: 'put', space: KMS_SPACE.key, key, value: keyRecords.encode(record) }, ...others]
  await catalog.commit(entry, writes, () => {
    entry.record = record
    apply()
  })
}
