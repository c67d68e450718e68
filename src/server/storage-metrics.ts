import { byLabel, counting, type Metric, timing } from '../observe/metrics.ts'
import type { CommittedGroup } from '../storage/metadata/group-committer.ts'
import type { LevelStore } from '../storage/metadata/level-store.ts'
import type { StoreName } from './stores.ts'

/** What writing costs: many commits share the sync of a group, many small objects that of a pack. */
export interface StorageMetrics {
  readonly onGroup: (store: StoreName) => (group: CommittedGroup) => void
  readonly onBlobSync: (seconds: number) => void
  readonly read: () => readonly Metric[]
}

export function storageMetrics(): StorageMetrics {
  const syncs = timing({
    ...{ name: 'coffer_sync_duration_seconds', help: 'How long what was written took to be durable.' },
    labels: ['of'],
  })
  const commits = counting({
    ...{ name: 'coffer_commits_total', help: 'Commits of rows; those of a group share one sync.' },
    labels: ['store'],
  })
  const conflicts = counting({
    ...{ name: 'coffer_commit_conflicts_total', help: 'Commits that lost to another one, and are tried anew.' },
    labels: ['store'],
  })
  const rows = counting({
    ...{ name: 'coffer_commit_rows_total', help: 'Rows that commits changed.' },
    labels: ['store'],
  })
  return {
    onGroup:
      (store) =>
      ({ commits: made, conflicts: lost, rows: changed, seconds }) => {
        commits.add(made, store)
        conflicts.add(lost, store)
        rows.add(changed, store)
        if (changed > 0) syncs.observe(seconds, store)
      },
    onBlobSync: (seconds) => syncs.observe(seconds, 'blobs'),
    read: () => [syncs.read(), commits.read(), conflicts.read(), rows.read()],
  }
}

/** The system counts it as the process's, Node knows nothing of it. */
export const levelMemory = (levels: ReadonlyMap<StoreName, Pick<LevelStore, 'memoryBytes'>>): Metric => ({
  name: 'coffer_metadata_memory_bytes',
  help: 'Memory that LevelDB holds: rows that are in no table yet, and what it has read.',
  type: 'gauge',
  samples: byLabel('store', Object.fromEntries([...levels].map(([store, level]) => [store, level.memoryBytes()]))),
})
