import type { Clock } from '../../base/clock.ts'
import { rangeWithDamaged } from '../../storage/metadata/damaged-rows.ts'
import type { MetadataStore, Space } from '../../storage/metadata/metadata-store.ts'
import { openConfigurations } from '../bucket-configurations.ts'
import { openDocuments } from '../bucket-documents.ts'
import type { Buckets } from '../buckets.ts'
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

/** Rows of buckets, of what they are told, and of the work of the store: whether they authenticate, and decode where they are read whole. */
export async function verifyRows(
  metadata: MetadataStore,
  buckets: Buckets,
  clock: Clock,
  onFinding: (finding: Finding) => void,
): Promise<void> {
  const nameOf = (id: string): string => buckets.all().find((bucket) => bucket.id === id)?.name ?? id
  const tell = (damage: string, bucket?: string): void =>
    onFinding(adviseOn({ kind: 'record-damaged', ...(bucket === undefined ? {} : { bucket }), damage }))
  for (const name of buckets.damaged()) tell('the record of the bucket cannot be read', name)
  await openConfigurations(metadata, buckets, clock, (id) => tell('the configuration cannot be read', nameOf(id)))
  await openDocuments(metadata, buckets, (id, kind) => tell(`the document ${kind} cannot be read`, nameOf(id)))
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
