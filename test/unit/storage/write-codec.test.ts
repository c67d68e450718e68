import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { Write } from '../../../src/storage/metadata/metadata-store.ts'
import { decodeCommits, encodeCommits } from '../../../src/storage/metadata/write-codec.ts'

const key = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes))
const value = fc.uint8Array({ maxLength: 70_000 }).map((bytes) => Buffer.from(bytes))
const token = fc.nat({ max: Number.MAX_SAFE_INTEGER }).map(String)
const space = fc.integer({ min: 1, max: 254 })
const writes: fc.Arbitrary<Write> = fc.oneof(
  fc.record({ type: fc.constant('put' as const), space, key, value }),
  fc.record({ type: fc.constant('put' as const), space, key, value, if: fc.option(token) }),
  fc.record({ type: fc.constant('delete' as const), space, key }),
  fc.record({ type: fc.constant('delete' as const), space, key, if: token }),
  fc.record({ type: fc.constant('check' as const), space, key, if: fc.option(token) }),
  fc.record({ type: fc.constant('add' as const), key, delta: fc.maxSafeInteger() }),
)

it('gives back the commits that were encoded', () =>
  fc.assert(
    fc.property(fc.array(fc.array(writes, { maxLength: 8 }), { maxLength: 5 }), (commits) => {
      const bytes = encodeCommits(commits)
      // Memory of its own: it is handed over.
      expect(bytes.byteLength).toBe(bytes.buffer.byteLength)
      expect(decodeCommits(bytes)).toEqual(commits)
    }),
    { numRuns: 60 },
  ))
