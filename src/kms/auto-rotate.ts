import type { KeyEntry } from './catalog.ts'
import { changeKey, type KmsContext, stateOf } from './context.ts'
import type { Door } from './door.ts'
import { KEY_STATE } from './key-states.ts'
import { addVersion } from './rotate-key.ts'

/** Resolves to how many keys got new material. Each is one commit: a run that ends in between goes on at the next. */
export async function rotateByPolicy(context: KmsContext, byItself: Door['byItself']): Promise<number> {
  let count = 0
  const due = [...context.catalog.all()].filter((entry) => !entry.unavailable && isDue(context, entry))
  for (const { instanceId, id } of due) {
    await changeKey(context, { iamId: 'sweep', instanceId }, id, async (entry) => {
      if (!isDue(context, entry)) return
      await byItself('kms.secrets.rotate', instanceId, id, async (note) =>
        note({ keyVersion: (await addVersion(context, entry)).id }),
      )
      count++
    })
  }
  return count
}

/** Key Protect: the interval runs from the last rotation, by hand or not, and from the creation before the first one. */
function isDue(context: KmsContext, entry: KeyEntry): boolean {
  const { rotation, rotatedAt, createdAt, extractable, imported } = entry.record
  if (!rotation?.enabled || extractable || imported || stateOf(context, entry) !== KEY_STATE.active) return false
  const intervalMs = rotation.intervalMonths * context.settings.rotationMonthMs
  return (rotatedAt ?? createdAt) + intervalMs <= context.now()
}
