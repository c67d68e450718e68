import type { Entry, MetadataStore } from '../storage/metadata/metadata-store.ts'
import { type KmsSpace, rowsUnder } from './keyspace.ts'

/** All rows of a space, in order, a page at a time. */
export async function* rows(store: MetadataStore, space: KmsSpace): AsyncGenerator<Entry> {
  const limit = 1000
  let { gte, lt } = rowsUnder(Buffer.alloc(0))
  for (;;) {
    const page = await store.range(space, { gte, lt, limit })
    yield* page
    const last = page.at(-1)
    if (last === undefined || page.length < limit) return
    gte = Buffer.concat([last.key, Buffer.from([0])])
  }
}
