import { rotateByPolicy } from './auto-rotate.ts'
import type { KeyEntry } from './catalog.ts'
import { assertElapsed } from './change-state.ts'
import { type Actor, changeKey, type KmsContext, requireKey, stateOf } from './context.ts'
import { erase, removeRows } from './destroy.ts'
import type { Door } from './door.ts'
import { assertAllowed, KEY_STATE } from './key-states.ts'

export interface SweepReport {
  /** Keys that got new material because their policy says so. */
  readonly rotated: number
  /** Keys whose material was destroyed for good. */
  readonly erased: number
  /** Keys of which nothing is left. */
  readonly purged: number
}

export interface Sweeper {
  /**
   * What time does to keys: rotates by policy, destroys the material of deleted keys after the restore window and their
   * records after the purge time.
   */
  readonly sweep: () => Promise<SweepReport>
  /** Of a deleted key nothing is left, now. Resolves to what it was. Throws KeyNotFound, InvalidKeyState, TooEarly. */
  readonly purge: (actor: Actor, idOrAlias: string) => Promise<KeyEntry>
}

const SWEEPER = 'sweep'

export function createSweeper(
  context: KmsContext,
  byItself: Door['byItself'],
  clockIsTrusted: () => Promise<boolean>,
): Sweeper {
  const { restoreWindowMs, purgeAfterMs, purgeDelayMs } = context.settings
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
    act: (entry: KeyEntry) => Promise<void>,
  ): Promise<number> => {
    let count = 0
    for (const { instanceId, id } of deletedKeys().filter((entry) => !entry.unavailable && isDue(entry))) {
      await changeKey(context, { iamId: SWEEPER, instanceId }, id, async (entry) => {
        if (!isDue(entry)) return
        await act(entry)
        count++
      })
    }
    return count
  }

  const run = async (): Promise<SweepReport> => {
    const trusted = await clockIsTrusted()
    const rotated = trusted ? await rotateByPolicy(context, byItself) : 0
    const due = trusted && deletedKeys().some(isErasable)
    // What overwrites must not meet what it overwrites in LevelDB's memory: one table would keep both.
    if (uncompacted || due) await compact()
    uncompacted ||= due
    const erased = trusted ? await forEach(isErasable, (entry) => erase(context, entry)) : 0
    if (uncompacted) await compact()
    // Not before: the record of the key is what tells the next run to compact.
    const remove = (entry: KeyEntry): Promise<void> =>
      byItself('kms.secrets.purge', entry.instanceId, entry.id, () => removeRows(context, entry))
    const purged = trusted ? await forEach(isPurgeable, remove) : 0
    return { rotated, erased, purged }
  }

  const assertPurgeable = (entry: KeyEntry): void => {
    assertAllowed(stateOf(context, entry), 'purge')
    assertElapsed(context, entry.record.deletedAt ?? 0, purgeDelayMs, 'TooEarly')
  }

  /** In the same steps as `run`, so that one that is interrupted leaves a deleted key, which can be purged again. */
  const purge = async (actor: Actor, idOrAlias: string): Promise<KeyEntry> => {
    const { id, record } = requireKey(context, actor.instanceId, idOrAlias)
    assertPurgeable(requireKey(context, actor.instanceId, id))
    if (!record.erased) {
      await compact()
      uncompacted = true
      await changeKey(context, actor, id, async (entry) => {
        assertPurgeable(entry)
        await erase(context, entry)
      })
    }
    if (uncompacted) await compact()
    return changeKey(context, actor, id, async (entry) => {
      await removeRows(context, entry)
      return entry
    })
  }

  return {
    sweep: () => context.serial.run('sweep', run),
    purge: (actor, idOrAlias) => context.serial.run('sweep', () => purge(actor, idOrAlias)),
  }
}

function isOver(context: KmsContext, { record }: KeyEntry, afterMs: number): boolean {
  const { state, deletedAt } = record
  return state === KEY_STATE.destroyed && deletedAt !== undefined && deletedAt + afterMs <= context.now()
}
