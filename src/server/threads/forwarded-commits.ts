import type { MetadataStore, Write } from '../../storage/metadata/metadata-store.ts'
import { decodeCommits, encodeCommits } from '../../storage/metadata/write-codec.ts'
import type { StoreName } from '../stores.ts'
import { errorOf, failureOf, type Line } from './line.ts'
import type { CommitOutcome, OwnerCalls } from './messages.ts'

interface Waiting {
  readonly writes: readonly Write[]
  readonly resolve: (committed: boolean) => void
  readonly reject: (error: unknown) => void
}

/** Commits of one store, decided by the thread that owns it. Those of one turn go together. */
export function forwardedCommits(store: StoreName, line: Pick<Line<OwnerCalls>, 'askLast'>): MetadataStore['commit'] {
  const waiting: Waiting[] = []
  const flush = async (): Promise<void> => {
    let sent: readonly Waiting[] | undefined
    const take = (): readonly Waiting[] => {
      sent ??= waiting.splice(0)
      return sent
    }
    try {
      const outcomes = await line.askLast('commit', () => {
        const { buffer } = encodeCommits(take().map(({ writes }) => writes))
        return { asked: { store, bytes: buffer }, transfer: [buffer] }
      })
      for (const [index, { resolve, reject }] of take().entries()) {
        const outcome = outcomes[index]
        if (typeof outcome === 'boolean') resolve(outcome)
        else reject(outcome ? errorOf(outcome) : new Error('a commit was not answered'))
      }
    } catch (error) {
      for (const { reject } of take()) reject(error)
    }
  }
  return (writes) =>
    new Promise((resolve, reject) => {
      waiting.push({ writes, resolve, reject })
      if (waiting.length === 1) void flush()
    })
}

/** The other end. Spaces in which rows were put are told of, once they are. */
export async function decideCommits(
  bytes: ArrayBuffer,
  commit: MetadataStore['commit'],
  onCommitted: (spaces: ReadonlySet<number>) => void,
): Promise<CommitOutcome[]> {
  const spaces = new Set<number>()
  const outcomes = await Promise.all(
    decodeCommits(Buffer.from(bytes)).map(async (writes): Promise<CommitOutcome> => {
      try {
        const committed = await commit(writes)
        if (committed) for (const write of writes) if (write.type === 'put') spaces.add(write.space)
        return committed
      } catch (error) {
        return failureOf(error)
      }
    }),
  )
  if (spaces.size > 0) onCommitted(spaces)
  return outcomes
}
