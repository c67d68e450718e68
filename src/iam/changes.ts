import { hasCode } from '../base/errors.ts'
import type { MetadataStore } from '../storage/metadata/metadata-store.ts'
import type { Change } from './table.ts'

const MAX_BATCH = 500

/** What to write and what to answer once it is written; made from the state as it is in that moment. */
export interface Plan<Result> {
  readonly changes: readonly Change[]
  readonly result: Result
}

/**
 * One change at a time: `plan` looks at memory, its writes become durable as one batch, and only then does memory
 * follow. A plan that throws, or a write that fails, changes nothing. Only a plan of more writes than a batch may hold
 * (the deletion of a user with hundreds of credentials) can stop in between; its first write is the one that matters.
 */
export type ChangeState = <Result>(plan: () => Plan<Result>) => Promise<Result>

export function changeState(store: MetadataStore): ChangeState {
  let previous: Promise<unknown> = Promise.resolve()
  return (plan) => {
    const run = previous.then(async () => {
      const { changes, result } = plan()
      for (let from = 0; from < changes.length; from += MAX_BATCH) {
        const batch = changes.slice(from, from + MAX_BATCH)
        await commit(store, batch)
        for (const { apply } of batch) apply()
      }
      return result
    })
    previous = run.catch(() => {})
    return run
  }
}

async function commit(store: MetadataStore, changes: readonly Change[]): Promise<void> {
  try {
    await store.commit(changes.map(({ write }) => write))
  } catch (error) {
    if (!hasCode(error, 'CommitUnknown') || !(await happened(store, changes))) throw error
  }
}

/** A batch happens as a whole, so any one of its writes tells. */
async function happened(store: MetadataStore, [first]: readonly Change[]): Promise<boolean> {
  if (first === undefined) return true
  const { write } = first
  const entry = await store.get(write.space, write.key)
  return write.type === 'put' ? entry?.value.equals(write.value) === true : entry === undefined
}
