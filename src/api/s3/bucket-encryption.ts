import { z } from 'zod'
import { ALGORITHMS } from '../../objects/encrypting.ts'
import { storedDocument } from './stored-document.ts'

/** What a bucket blocks: `NONE` is said of a bucket that blocks nothing. */
export const BLOCKABLE = ['SSE-C', 'NONE'] as const

/** How what is new in a bucket is encrypted unless its request says otherwise. */
export const bucketEncryption = storedDocument(
  'encryption',
  z.strictObject({
    algorithm: z.enum(ALGORITHMS),
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
