import { expect, it } from 'vitest'
import type { Json } from '../../../src/objects/bucket-document.ts'
import type { Objects } from '../../../src/objects/objects.ts'
import type { ChangedRow } from '../../../src/storage/metadata/changed-row.ts'
import { testEngine } from '../../support/engine.ts'

it('has at no time a bucket without its documents, while other threads take in that it was made or that it is gone', async () => {
  const documents = { publicAccessBlock: { all: true } }
  const seen: (Json | undefined)[] = []
  let objects: Objects | undefined
  const look = (): void => {
    const bucket = objects?.buckets.find('bucket')
    if (bucket) seen.push(objects?.document(bucket, 'publicAccessBlock') ?? 'nothing')
  }
  const engine = await testEngine({
    // As a thread that owns a store answers its commits: when this thread and all others have them.
    metadata: (inner) => ({
      ...inner,
      commit: async (writes) => {
        const committed = await inner.commit(writes)
        const rows = writes.flatMap((write): ChangedRow[] =>
          write.type === 'put' || write.type === 'delete'
            ? [{ space: write.space, key: write.key, isGone: write.type === 'delete' }]
            : [],
        )
        await objects?.elsewhere.follow(rows)
        look()
        return committed
      },
    }),
  })
  objects = engine.objects
  const bucket = await objects.createBucket({ ...engine.newBucket, documents })
  look()
  await objects.deleteBucket(bucket)
  expect(seen.length).toBeGreaterThan(1)
  expect(new Set(seen.map((each) => JSON.stringify(each)))).toEqual(new Set([JSON.stringify({ all: true })]))
  await objects.close()
})
