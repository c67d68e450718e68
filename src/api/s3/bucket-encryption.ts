import { z } from 'zod'
import { ALGORITHMS } from '../../objects/encrypting.ts'
import type { BucketDefaults } from './access/new-bucket.ts'
import { storedDocument } from './stored-document.ts'

/** What a bucket blocks: `NONE` is said of a bucket that blocks nothing. */
export const BLOCKABLE = ['SSE-C', 'NONE'] as const

/** How what is new in a bucket is encrypted unless its request says otherwise. */
export const bucketEncryption = storedDocument(
  'encryption',
  z.strictObject({
    /** Absent: what the bucket's own root key makes of it. */
    algorithm: z.enum(ALGORITHMS).exactOptional(),
    /** The root key as objects under it tell of it, and by the CRN that this was when it was set. Neither: the bucket's own. */
    keyName: z.string().exactOptional(),
    /** Nobody named it: it is told with objects only. */
    unnamed: z.literal(true).exactOptional(),
    rootKeyCrn: z.string().exactOptional(),
    encryption: z.enum(['provider-managed', 'customer-managed']).exactOptional(),
    bucketKey: z.boolean().exactOptional(),
    blocked: z.array(z.enum(BLOCKABLE)).exactOptional(),
  }),
)
export type BucketEncryption = NonNullable<ReturnType<typeof bucketEncryption.of>>

/** S3, since April 2026: no customers' keys unless the owner wants them. A bucket under a root key of its customer takes none anyway. */
export const newBucketEncryption = (
  defaults: BucketDefaults,
  rootKeyCrn: string | undefined,
): { readonly encryption?: BucketEncryption } =>
  defaults === 'aws' && rootKeyCrn === undefined ? { encryption: { blocked: ['SSE-C'] } } : {}

/** What is blocked stays so until somebody says otherwise. */
export const withBlocked = <Rest extends object>(
  rest: Rest & Pick<BucketEncryption, 'blocked'>,
  now: BucketEncryption | undefined,
): Rest & Pick<BucketEncryption, 'blocked'> =>
  rest.blocked || !now?.blocked ? rest : { ...rest, blocked: now.blocked }
