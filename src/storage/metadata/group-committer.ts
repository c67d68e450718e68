import { CodedError } from '../../base/errors.ts'
import { groupQueue, type Waiting } from '../group-queue.ts'
import { commitGroup, type RowChange } from './commit-group.ts'
import { checkCommit } from './limits.ts'
import { type LogMark, sequenceRow } from './log-mark.ts'
import type { MetadataStoreErrorCode, Write } from './metadata-store.ts'

export interface GroupCommitterOptions {
  readonly read: (key: Buffer) => Buffer | undefined
  /** Resolves when all changes are durable, all or nothing. */
  readonly write: (changes: readonly RowChange[]) => Promise<void>
  readonly mark: LogMark
  /** The sequence number last stored; the next commit gets the one after it. */
  readonly sequence: number
  /** The batch with this number, its last, is durable. */
  readonly onWritten: (sequence: number) => void
  /** These rows are written, and nobody has been told so yet: that waits for what is returned. Must not throw. */
  readonly onCommitted?: ((changes: readonly RowChange[]) => Promise<void> | undefined) | undefined
  readonly onGroup?: ((group: CommittedGroup) => void) | undefined
  /** Called once, at the first error of `write`. */
  readonly onFailure: (error: Error) => void
}

/** What was decided and written together. */
export interface CommittedGroup {
  readonly commits: number
  /** Commits whose conditions did not hold. */
  readonly conflicts: number
  readonly rows: number
  /** The write with its sync; of no meaning where there are no rows. */
  readonly seconds: number
}

export interface GroupCommitter {
  readonly commit: (writes: readonly Write[]) => Promise<boolean>
  /** Waits for running commits, then refuses all. */
  readonly close: () => Promise<void>
}

// Keeps a group well below LevelDB's write buffer.
const MAX_GROUP_BYTES = 2 * 1024 * 1024

/** Group commit with compare-and-set, and crash-only behaviour: after one write error nothing is written any more. */
export function groupCommitter({
  read,
  write,
  mark,
  onWritten,
  onCommitted,
  onGroup,
  onFailure,
  ...start
}: GroupCommitterOptions): GroupCommitter {
  let sequence = start.sequence
  let refusal: CodedError<MetadataStoreErrorCode> | undefined

  const fail = (cause: unknown): CodedError<MetadataStoreErrorCode> => {
    // LevelDB goes on accepting writes after an error and loses them at the next start.
    const error = failed('a metadata write failed; the process must restart', cause)
    refusal ??= error
    onFailure(error)
    return error
  }

  const flush = async (waiting: readonly Waiting<readonly Write[], boolean>[]): Promise<void> => {
    if (refusal) throw refusal
    const group = commitGroup(read)
    const committed: Waiting<readonly Write[], boolean>[] = []
    let conflicts = 0
    for (const entry of waiting) {
      try {
        if (group.decide(entry.job, sequence + 1)) {
          committed.push(entry)
          sequence++
        } else {
          conflicts++
          entry.resolve(false)
        }
      } catch (error) {
        entry.reject(error)
      }
    }
    const changes = group.changes()
    const began = performance.now()
    let seconds = 0
    if (changes.length > 0) {
      try {
        await write([sequenceRow(sequence, mark), ...changes])
      } catch (error) {
        throw fail(error)
      }
      seconds = (performance.now() - began) / 1000
      onWritten(sequence)
      const told = onCommitted?.(changes)
      if (told !== undefined) await told
    }
    onGroup?.({ commits: committed.length, conflicts, rows: changes.length, seconds })
    for (const entry of committed) entry.resolve(true)
  }

  const queue = groupQueue<readonly Write[], boolean>({ flush, maxJobs: 1024, maxWeight: MAX_GROUP_BYTES })
  return {
    commit: async (writes) => {
      checkCommit(writes)
      if (refusal) throw refusal
      return queue.submit(writes, weightOf(writes))
    },
    close: async () => {
      await queue.idle()
      refusal ??= failed('the metadata store is closed')
    },
  }
}

const failed = (message: string, cause?: unknown): CodedError<MetadataStoreErrorCode> =>
  new CodedError('MetadataStoreFailed', message, { cause })

const weightOf = (writes: readonly Write[]): number =>
  writes.reduce((sum, write) => sum + write.key.length + (write.type === 'put' ? write.value.length : 0), 0)
