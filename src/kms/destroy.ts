import type { Write } from '../storage/metadata/metadata-store.ts'
import type { KeyEntry } from './catalog.ts'
import type { KmsContext } from './context.ts'
import { encodeVersion } from './key-versions.ts'
import { aliasRow, KMS_SPACE, keyRow, registrationRow, versionRow } from './keyspace.ts'
import { writeRecord } from './write-record.ts'

const MAX_WRITES = 400

/** Every version's sealed bytes; the record says so last, so that an interrupted run is taken up again. Hold the key's turn. */
export async function erase(context: KmsContext, entry: KeyEntry): Promise<void> {
  const { instanceId, id } = entry
  const versions = entry.versions.map((version) => ({ ...version, sealed: undefined }))
  const writes = versions.map(
    (version): Write => ({
      type: 'put',
      space: KMS_SPACE.version,
      key: versionRow(instanceId, id, version.sequence),
      value: encodeVersion(version),
    }),
  )
  await commitAll(context, entry, writes)
  await writeRecord(
    context,
    entry,
    { erased: true },
    {
      apply: () => {
        entry.versions = versions
      },
    },
  )
}

/** Every row of the key, its own last. Hold the key's turn; its material is erased already. */
export async function removeRows(context: KmsContext, entry: KeyEntry): Promise<void> {
  const { instanceId, id } = entry
  const row = (space: number, key: Buffer): Write => ({ type: 'delete', space, key })
  await commitAll(context, entry, [
    ...[...entry.aliases.keys()].map((alias) => row(KMS_SPACE.alias, aliasRow(instanceId, alias))),
    ...[...entry.registrations.keys()].map((crn) => row(KMS_SPACE.registration, registrationRow(instanceId, id, crn))),
  ])
  const oldest = entry.versions
    .slice(0, -1)
    .map(({ sequence }) => row(KMS_SPACE.version, versionRow(instanceId, id, sequence)))
  await commitAll(context, entry, oldest)
  const newest = entry.versions
    .slice(-1)
    .map(({ sequence }) => row(KMS_SPACE.version, versionRow(instanceId, id, sequence)))
  await context.catalog.commit(entry, [row(KMS_SPACE.key, keyRow(instanceId, id)), ...newest], () => {
    context.catalog.remove(entry)
    context.tell('purged', entry)
  })
}

async function commitAll(context: KmsContext, entry: KeyEntry, writes: readonly Write[]): Promise<void> {
  for (let at = 0; at < writes.length; at += MAX_WRITES) {
    await context.catalog.commit(entry, writes.slice(at, at + MAX_WRITES), () => {})
  }
}
