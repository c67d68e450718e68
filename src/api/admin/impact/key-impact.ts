import { z } from 'zod'
import type { Bucket } from '../../../objects/buckets.ts'
import type { BucketUse } from '../../../objects/key-usage.ts'
import { decidedBy, decidedByOf } from '../../common/decided-by.ts'
import type { AdminContext } from '../context.ts'
import { authorizationOf } from '../readers/root-keys.ts'

const totals = z.object({ objects: z.int(), bytes: z.int(), uploads: z.int() })

export const affectedBucket = z.object({
  bucket: z.string(),
  ...totals.shape,
  ofBucket: totals.meta({ description: 'All that is in the bucket.' }),
  wholly: z.boolean().meta({ description: 'Everything in it lies under the key.' }),
  current: z.boolean().meta({ description: 'What is new comes under it: nothing can be written either.' }),
  etagsStay: z.boolean().meta({ description: 'Names, sizes and dates are listed all the same; ETags only if true.' }),
  authorization: z
    .object({ granted: z.boolean(), decidedBy })
    .optional()
    .meta({ description: 'What lets the bucket’s instance use the key; absent for keys of a service elsewhere.' }),
})
export type AffectedBucket = z.output<typeof affectedBucket>

export const sums = z.object({ buckets: z.int(), ...totals.shape })

/** What lies in a bucket under a root key, beside all that lies in it. */
export async function affected(
  context: AdminContext,
  bucket: Bucket,
  rootKeyCrn: string,
  use: BucketUse,
): Promise<AffectedBucket> {
  const under = totalsOf(use)
  const ofBucket = await context.objects.bucketUsage(bucket)
  const decision = authorizationOf(context, bucket, rootKeyCrn)
  return {
    ...{ bucket: bucket.name, ...under, ofBucket },
    wholly: under.objects === ofBucket.objects && under.uploads === ofBucket.uploads,
    current: use.current,
    etagsStay: use.versions.every(({ metadataKeys }) => metadataKeys === 0),
    ...(decision ? { authorization: { granted: decision.allowed, decidedBy: decidedByOf(decision.reason) } } : {}),
  }
}

const totalsOf = ({ versions }: BucketUse) => ({
  objects: sumOf(versions, 'objects'),
  bytes: sumOf(versions, 'bytes'),
  uploads: sumOf(versions, 'uploads'),
})

export const sumsOf = (buckets: readonly AffectedBucket[]): z.output<typeof sums> => ({
  buckets: new Set(buckets.map(({ bucket }) => bucket)).size,
  objects: sumOf(buckets, 'objects'),
  bytes: sumOf(buckets, 'bytes'),
  uploads: sumOf(buckets, 'uploads'),
})

const sumOf = <Name extends 'objects' | 'bytes' | 'uploads'>(
  all: readonly Readonly<Record<Name, number>>[],
  name: Name,
): number => all.reduce((sum, one) => sum + one[name], 0)
