import { expect, it } from 'vitest'
import { type Reader, readersOf } from '../../src/api/admin/readers/readers.ts'
import type { Principal } from '../../src/iam/principal.ts'

it('a look at many decisions leaves the thread to others, however long each of them takes', async () => {
  let others = 0
  const turn = (): void => {
    others++
    turning = setImmediate(turn)
  }
  let turning = setImmediate(turn)
  const principal: Principal = { type: 'user', iamId: 'a', accountId: 'b', name: 'c', email: '', roles: {} }
  const known = { kind: 'user', principal, isShutOut: false, groups: [] } as const
  const bucket = Object.freeze({ name: 'bucket' })
  const found: readonly Omit<Reader, 'readable'>[] = await readersOf(
    {
      askS3: async () => {
        // As policies of many patterns do.
        for (const beganMs = performance.now(); performance.now() - beganMs < 15; );
        return { allowed: false, reason: 'no role' }
      },
      asker: { iamId: 'a', action: 'test', requestId: 'test' },
      shares: { sharesOf: unasked, samplesOf: () => [{ pattern: 'a/*', key: 'a/any' }] },
    },
    { bucket: Object(bucket) },
    [known, known],
  )
  clearImmediate(turning)
  expect(found.map(({ reads }) => reads)).toEqual(['none', 'none'])
  expect(others).toBeGreaterThanOrEqual(3)
})

const unasked = (): never => {
  throw new Error('nobody asks for it')
}
