import type { Entry, MetadataStore } from '../../src/storage/metadata/metadata-store.ts'

const everything = { gte: Buffer.alloc(0), lt: Buffer.alloc(64, 255), limit: 10_000 }
/** Of docs/record-format.md, space 18: rows that say when something is due. */
const DUE = [3, 4]

/** Rows of messages of an outbox. */
export async function queuedMessages({ range }: MetadataStore, space: number): Promise<readonly Entry[]> {
  const rows = await range(space, everything)
  return rows.filter(({ key }) => !DUE.includes(key[key.indexOf(0) + 1] ?? 0))
}
export const queuedRows = async ({ range }: MetadataStore, space: number): Promise<number> =>
  (await range(space, everything)).length
