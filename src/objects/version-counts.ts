import { uuidFromBytes, uuidToBytes } from '../base/ids.ts'
import type { Counter, MetadataStore, Write } from '../storage/metadata/metadata-store.ts'
import { isMarker, type VersionRecord } from './records.ts'

/** What is counted of a bucket's rows of `version`. Numbers are stored. */
const COUNTED = { noncurrentObjects: 1, noncurrentBytes: 2, deleteMarkers: 3 } as const
export type CountedVersions = keyof typeof COUNTED

/** Versions that are not the current ones, bytes of their plaintext, and delete markers, current or not. */
export type VersionTotals = Readonly<Record<CountedVersions, number>>

/** Names of counters start with it. No number of a space is as high. */
const PREFIX = Buffer.from('versions', 'latin1')
const ID_AT = PREFIX.length
const KIND_AT = ID_AT + 16

export const versionCountsPrefix = (bucketId?: string): Buffer =>
  bucketId === undefined ? PREFIX : Buffer.concat([PREFIX, uuidToBytes(bucketId)])

export interface VersionCount {
  readonly bucketId: string
  readonly counted: CountedVersions
}

const KINDS: readonly CountedVersions[] = ['noncurrentObjects', 'noncurrentBytes', 'deleteMarkers']

export const readVersionCount = ({ key }: Pick<Counter, 'key'>): VersionCount => ({
  bucketId: uuidFromBytes(key.subarray(ID_AT, KIND_AT)),
  counted: KINDS.find((kind) => COUNTED[kind] === key[KIND_AT]) ?? 'deleteMarkers',
})

/** What a row of `version` counts for. */
function countsOf(bucketId: string, record: VersionRecord): Counter[] {
  const of = (counted: CountedVersions, value: number): Counter => ({
    key: Buffer.concat([versionCountsPrefix(bucketId), Buffer.from([COUNTED[counted]])]),
    value,
  })
  if (isMarker(record)) return [of('deleteMarkers', 1)]
  return [of('noncurrentObjects', 1), of('noncurrentBytes', record.sizeBytes)]
}

/** Sums what rows of `version` add, and what those that go take away. */
export interface VersionTally {
  readonly add: (bucketId: string, record: VersionRecord, sign: 1 | -1) => void
  /** What is not zero. */
  readonly counters: () => Counter[]
}

export function versionTally(): VersionTally {
  const sums = new Map<string, { readonly key: Buffer; value: number }>()
  return {
    add: (bucketId, record, sign) => {
      for (const { key, value } of countsOf(bucketId, record)) {
        const name = key.toString('latin1')
        const sum = sums.get(name) ?? { key, value: 0 }
        sum.value += sign * value
        sums.set(name, sum)
      }
    },
    counters: () => [...sums.values()].filter(({ value }) => value !== 0),
  }
}

export const addWrites = (counters: readonly Counter[]): Write[] =>
  counters.map(({ key, value }) => ({ type: 'add', key, delta: value }))

export async function versionTotals(
  metadata: Pick<MetadataStore, 'counters'>,
  bucketId: string,
): Promise<VersionTotals> {
  const totals = { noncurrentObjects: 0, noncurrentBytes: 0, deleteMarkers: 0 }
  for (const counter of await metadata.counters(versionCountsPrefix(bucketId))) {
    totals[readVersionCount(counter).counted] += counter.value
  }
  return totals
}
