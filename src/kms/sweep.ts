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
  const deletedKeys = () => [...context.catalog.all()].filter(({ record }) => record.state === KEY_STATE.destroyed)
  // An earlier run may have ended between overwriting and compacting.
  let uncompacted = deletedKeys().length > 0
  const compact = async (): Promise<void> => {
    await context.compact()
    uncompacted = false
  }

  const isErasable = (entry: KeyEntry): boolean => !entry.record.erased && isOver(context, entry, restoreWindowMs)
  const isPurgeable = (entry: KeyEntry): boolean => entry.record.erased && isOver(context, entry, purgeAfterMs)
  /** Resolves to how many. */
  const forEach = async (
    isDue: (entry: KeyEntry) => boolean,
    act: (context: KmsContext, entry: KeyEntry) => Promise<void>,
  ): Promise<number> => {
    let count = 0
    for (const { instanceId, id } of deletedKeys().filter((entry) => !entry.unavailable && isDue(entry))) {
      await changeKey(context, { iamId: SWEEPER, instanceId }, id, async (entry) => {
        if (!isDue(entry)) return
        await act(context, entry)
        count++
      })
    }
    return count
  }

  const run = async (): Promise<SweepReport> => {
    const trusted = await clockIsTrusted()
    const due = trusted && deletedKeys().some(isErasable)
    // What overwrites must not meet what it overwrites in LevelDB's memory: one table would keep both.
    if (uncompacted || due) await compact()
    uncompacted ||= due
    const erased = trusted ? await forEach(isErasable, erase) : 0
    if (uncompacted) await compact()
    // Not before: the record of the key is what tells the next run to compact.
    const purged = trusted ? await forEach(isPurgeable, purge) : 0
    return { erased, purged }
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
