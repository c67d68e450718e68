import { SPACE } from '../../objects/keyspace.ts'
import type { Space } from '../../storage/metadata/metadata-store.ts'
import { NONCE_SPACE } from '../../storage/metadata/nonce-source.ts'
import type { StoreName } from '../stores.ts'

const OF_METADATA: ReadonlySet<Space> = new Set([NONCE_SPACE, SPACE.bucket, SPACE.configuration, SPACE.document])

/** Rows that threads keep in memory: no commit of one is answered before all threads have taken it in. */
export const ANNOUNCED: Readonly<Record<StoreName, (space: Space) => boolean>> = {
  iam: () => true,
  kms: () => true,
  metadata: (space) => OF_METADATA.has(space),
}
