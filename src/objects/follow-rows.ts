import type { ChangedRow } from '../storage/metadata/changed-row.ts'
import type { Engine } from './engine.ts'
import { SPACE } from './keyspace.ts'

/**
 * Takes into memory what was committed of buckets, by whichever thread: in this order there is at no time a bucket without what says
 * who is let in.
 */
export async function followRows(
  { buckets, configurations, documents }: Pick<Engine, 'buckets' | 'configurations' | 'documents'>,
  rows: readonly ChangedRow[],
): Promise<void> {
  const names = (isGone: boolean): string[] =>
    rows.filter((row) => row.space === SPACE.bucket && row.isGone === isGone).map(({ key }) => key.toString('utf8'))
  const applied = await Promise.all([documents.follow(rows), configurations.follow(rows)])
  await buckets.follow(names(true))
  for (const apply of applied) apply()
  await buckets.follow(names(false))
}
