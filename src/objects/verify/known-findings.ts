import type { MetadataStore, Write } from '../../storage/metadata/metadata-store.ts'
import { type Finding, identityOf } from './finding.ts'
import { endOfFinding, findingWrite, type KnownFinding, readFindings } from './scrub-state.ts'

/** What looks met damaged, and no later look has met whole. */
export interface KnownFindings {
  readonly all: () => readonly KnownFinding[]
  /** False: there is no room for it. */
  readonly meet: (pass: number, finding: Finding) => boolean
  readonly end: (over: Iterable<Finding>) => void
  /** Of what was met or ended since the last time. */
  readonly store: () => Promise<void>
}

export interface KnownFindingsOptions {
  /** So many are kept, and beyond that each table, and the first of its kind in each bucket. */
  readonly maxFindings: number
  /** Told of each finding when it is met the first time. */
  readonly onFinding: (finding: Finding) => void
}

const WRITES_PER_COMMIT = 200

export async function openKnownFindings(
  metadata: Pick<MetadataStore, 'range' | 'commit'>,
  { maxFindings, onFinding }: KnownFindingsOptions,
): Promise<KnownFindings> {
  const known = new Map((await readFindings(metadata)).map((one) => [identityOf(one.finding), one]))
  const kinds = new Set(Array.from(known.values(), ({ finding }) => kindAndBucket(finding)))
  let writes: Write[] = []
  const isKept = (finding: Finding): boolean =>
    known.size < maxFindings || finding.kind === 'table-damaged' || !kinds.has(kindAndBucket(finding))
  return {
    all: () => [...known.values()],
    meet: (pass, finding) => {
      const name = identityOf(finding)
      const before = known.get(name)
      if (!before && !isKept(finding)) return false
      const now: KnownFinding = { pass, finding }
      known.set(name, now)
      kinds.add(kindAndBucket(finding))
      writes.push(findingWrite(now))
      if (!before) onFinding(finding)
      return true
    },
    end: (over) => {
      for (const finding of over) {
        if (known.delete(identityOf(finding))) writes.push(endOfFinding(finding))
      }
      kinds.clear()
      for (const { finding } of known.values()) kinds.add(kindAndBucket(finding))
    },
    store: async () => {
      const now = writes
      writes = []
      for (let at = 0; at < now.length; at += WRITES_PER_COMMIT) {
        await metadata.commit(now.slice(at, at + WRITES_PER_COMMIT))
      }
    },
  }
}

const kindAndBucket = ({ kind, bucket = '' }: Finding): string => `${kind} ${bucket}`
