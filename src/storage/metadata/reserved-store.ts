import type { FreeSpace } from '../blob/free-space.ts'
import type { MetadataStore, Space, Write } from './metadata-store.ts'

export interface ReservedStoreOptions {
  readonly space: Pick<FreeSpace, 'ensure' | 'took'>
  /** Spaces whose rows clients may make without end. Default: all. */
  readonly growing?: (space: Space) => boolean
}

/**
 * A store that makes no new rows once the disk's reserve is reached, so that LevelDB has room to recover and to delete.
 * A commit that makes rows and deletes none throws NoSpace then, and nothing was written. All else goes on: on a full disk
 * keys are disabled, objects and buckets deleted, uploads completed.
 */
export function reservedStore(
  inner: MetadataStore,
  { space, growing = () => true }: ReservedStoreOptions,
): MetadataStore {
  const makesRow = async (write: Write): Promise<boolean> => {
    if (write.type !== 'put' || !growing(write.space)) return false
    if (write.if !== undefined) return write.if === null
    return (await inner.get(write.space, write.key)) === undefined
  }

  const makesRows = async (writes: readonly Write[]): Promise<boolean> => {
    if (writes.some(({ type }) => type === 'delete')) return false
    for (const write of writes) if (await makesRow(write)) return true
    return false
  }

  const commit = async (writes: readonly Write[]): Promise<boolean> => {
    const bytes = bytesOf(writes)
    try {
      await space.ensure(bytes)
    } catch (error) {
      // Looked into only here: mostly there is space.
      if (await makesRows(writes)) throw error
    }
    space.took(bytes)
    return inner.commit(writes)
  }

  const running = new Set<Promise<boolean>>()
  return {
    ...inner,
    commit: (writes) => {
      const done = commit(writes)
      const forget = (): void => void running.delete(done)
      running.add(done)
      done.then(forget, forget)
      return done
    },
    close: async () => {
      // Those that still look at the disk have not reached the store.
      await Promise.allSettled(running)
      await inner.close()
    },
  }
}

/** In the log and once more in a table. */
const bytesOf = (writes: readonly Write[]): number =>
  2 * writes.reduce((sum, write) => sum + write.key.length + (write.type === 'put' ? write.value.length : 0), 0)
