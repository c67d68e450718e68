import type { Clock } from '../../base/clock.ts'
import { rangeWithDamaged } from '../../storage/metadata/damaged-rows.ts'
import type { MetadataStore, Space } from '../../storage/metadata/metadata-store.ts'
import { openConfigurations } from '../bucket-configurations.ts'
import { openDocuments } from '../bucket-documents.ts'
import type { Bucket, Buckets } from '../buckets.ts'
import { rowsUnder, SPACE } from '../keyspace.ts'
import { adviseOn, type Finding } from './finding.ts'

/** Rows that no object version and no upload is asked about. */
const OTHER_SPACES: readonly Space[] = [
  SPACE.garbage,
  SPACE.lease,
  SPACE.deregistration,
  SPACE.usage,
  SPACE.rewrap,
  SPACE.notification,
  SPACE.lifecycle,
  SPACE.accessLog,
  SPACE.inventory,
  SPACE.replication,
  SPACE.scrub,
]
const PAGE = 500

interface BucketRows {
  readonly metadata: MetadataStore
  readonly buckets: Buckets
  readonly clock: Clock
}

/** What a bucket is told: whether it can be read. Of all buckets, unless one is named. */
export async function verifyBucketRows(
  { metadata, buckets, clock }: BucketRows,
  onFinding: (finding: Finding) => void,
  only?: Pick<Bucket, 'id'>,
): Promise<void> {
  const nameOf = (id: string): string => buckets.all().find((bucket) => bucket.id === id)?.name ?? id
  const tell = (id: string, what: string): void => {
    if (only !== undefined && only.id !== id) return
    onFinding(adviseOn({ kind: 'record-damaged', bucket: nameOf(id), damage: `the ${what} cannot be read` }))
  }
  await openConfigurations(metadata, buckets, clock, (id) => tell(id, 'configuration'))
  await openDocuments(metadata, buckets, (id, kind) => tell(id, `document ${kind}`))
}

/** Rows of buckets, of what they are told, and of the work of the store: whether they authenticate, and decode where they are read whole. */
export async function verifyRows(
  metadata: MetadataStore,
  buckets: Buckets,
  clock: Clock,
  onFinding: (finding: Finding) => void,
): Promise<void> {
  const tell = (damage: string, bucket?: string): void =>
    onFinding(adviseOn({ kind: 'record-damaged', ...(bucket === undefined ? {} : { bucket }), damage }))
  for (const name of buckets.damaged()) tell('the record of the bucket cannot be read', name)
  await verifyBucketRows({ metadata, buckets, clock }, onFinding)
  for (const space of OTHER_SPACES) {
    const { lt } = rowsUnder(Buffer.of(0xff))
    for (let gte: Buffer = Buffer.alloc(0); ; ) {
      const rows = await rangeWithDamaged(metadata, space, { gte, lt, limit: PAGE })
      for (const row of rows) {
        if ('damage' in row) tell(`row ${row.key.toString('hex')} of space ${space} does not authenticate`)
      }
      const last = rows.at(-1)
      if (rows.length < PAGE || !last) break
      gte = Buffer.concat([last.key, Buffer.of(0)])
    }
  }
}
