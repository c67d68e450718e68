import type { Write } from '../storage/metadata/metadata-store.ts'
import type { KeyEntry } from './catalog.ts'
import { changeKey, type KmsContext } from './context.ts'
import { KEY_STATE } from './key-states.ts'
import { encodeVersion } from './key-versions.ts'
import { aliasRow, KMS_SPACE, keyRow, registrationRow, versionRow } from './keyspace.ts'
import { writeRecord } from './write-record.ts'

export interface SweepReport {
  /** Keys whose material was destroyed for good. */
  readonly erased: number
  /** Keys of which nothing is left. */
  readonly purged: number
}

const MAX_WRITES = 400
const SWEEPER = 'sweep'

export interface Sweeper {
  /** Destroys what deleted keys have outlived: the material after the restore window, the record after the purge time. */
  readonly sweep: () => Promise<SweepReport>
}

export function createSweeper(context: KmsContext, clockIsTrusted: () => Promise<boolean>): Sweeper {
  const { restoreWindowMs, purgeAfterMs } = context.settings
  // An earlier run may have ended between overwriting and compacting.
  let uncompacted = true
  const compact = async (): Promise<void> => {
    await context.compact()
    uncompacted = false
  }

  const run = async (): Promise<SweepReport> => {
    const count = { erased: 0, purged: 0 }
    const trusted = await clockIsTrusted()
    const deleted = [...context.catalog.all()].filter((entry) => trusted && isOver(context, entry, restoreWindowMs))
    const due = deleted.filter((entry) => !entry.unavailable && !entry.record.erased)
    // What overwrites must not meet what it overwrites in LevelDB's memory: one table would keep both.
    if (uncompacted || due.length > 0) await compact()
    uncompacted ||= due.length > 0
    for (const { instanceId, id } of deleted.filter((entry) => !entry.unavailable)) {
      await changeKey(context, { iamId: SWEEPER, instanceId }, id, async (entry) => {
        if (!entry.record.erased && isOver(context, entry, restoreWindowMs)) {
          await erase(context, entry)
          count.erased++
        }
        if (entry.record.erased && isOver(context, entry, purgeAfterMs)) {
          await purge(context, entry)
          count.purged++
        }
      })
    }
    if (uncompacted) await compact()
    return count
  }

  return { sweep: () => context.serial.run('sweep', run) }
}

function isOver(context: KmsContext, { record }: KeyEntry, afterMs: number): boolean {
  const { state, deletedAt } = record
  return state === KEY_STATE.destroyed && deletedAt !== undefined && deletedAt + afterMs <= context.now()
}

/** Every version's sealed bytes; the record says so last, so that an interrupted run is taken up again. */
async function erase(context: KmsContext, entry: KeyEntry): Promise<void> {
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

async function purge(context: KmsContext, entry: KeyEntry): Promise<void> {
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
  await context.catalog.commit(entry, [row(KMS_SPACE.key, keyRow(instanceId, id)), ...newest], () =>
    context.catalog.remove(entry),
  )
}

async function commitAll(context: KmsContext, entry: KeyEntry, writes: readonly Write[]): Promise<void> {
  for (let at = 0; at < writes.length; at += MAX_WRITES) {
    await context.catalog.commit(entry, writes.slice(at, at + MAX_WRITES), () => {})
  }
}
