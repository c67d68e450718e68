import type { Principal } from '../../iam/principal.ts'

/** Somebody who did not say who they are. */
export interface Anonymous {
  readonly type: 'anonymous'
  /** In logs. */
  readonly iamId: 'anonymous'
}

export type Asking = Principal | Anonymous

export const ANONYMOUS_PRINCIPAL: Anonymous = { type: 'anonymous', iamId: 'anonymous' }

/** S3's owner of what nobody in particular has written. */
export const ANONYMOUS_OWNER = { id: '65a011a29cdf8ec533ec3d1ccaae921c', displayName: 'anonymous' } as const
