import { assertElapsed } from './change-state.ts'
import { type Actor, assertRoot, changeKey, type KmsContext } from './context.ts'
import type { KeyRecord } from './keys.ts'
import { writeRecord } from './write-record.ts'

/** Tells whoever uses the key to look at it again, in whatever state it is. Throws RootKeyRequired, TooEarly. */
export function syncKey(context: KmsContext, actor: Actor, idOrAlias: string): Promise<void> {
  return changeKey(context, actor, idOrAlias, async (entry) => {
    assertRoot(entry)
    assertElapsed(context, lastTold(entry.record), context.settings.syncIntervalMs, 'TooEarly')
    await writeRecord(context, entry, { syncedAt: context.now() })
    context.tell('synced', entry)
  })
}

/** When users of the key last heard of it. Its creation told nobody: there were none. */
function lastTold({ createdAt, stateChangedAt, rotatedAt, syncedAt }: KeyRecord): number {
  const changedAt = stateChangedAt > createdAt ? stateChangedAt : undefined
  return Math.max(...[changedAt, rotatedAt, syncedAt].map((at) => at ?? Number.NEGATIVE_INFINITY))
}
