import type { ChangedRow } from '../../src/storage/metadata/changed-row.ts'
import { memoryStore } from '../../src/storage/metadata/memory-store.ts'
import type { MetadataStore } from '../../src/storage/metadata/metadata-store.ts'

/** A store whose commits are answered when whoever follows has taken them in, as a thread that owns one answers them. */
export function followedStore(): {
  readonly store: MetadataStore
  readonly followers: Set<(rows: readonly ChangedRow[]) => Promise<void>>
} {
  const inner = memoryStore()
  const followers = new Set<(rows: readonly ChangedRow[]) => Promise<void>>()
  return {
    followers,
    store: {
      ...inner,
      commit: async (writes) => {
        const committed = await inner.commit(writes)
        const rows = writes.flatMap((write): ChangedRow[] =>
          write.type === 'put' || write.type === 'delete'
            ? [{ space: write.space, key: write.key, isGone: write.type === 'delete' }]
            : [],
        )
        if (committed) for (const follow of followers) await follow(rows)
        return committed
      },
    },
  }
}
