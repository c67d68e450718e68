import { describe, expect, it } from 'vitest'
import {
  checkCopyConditions,
  checkReadConditions,
  checkWriteConditions,
  type WriteConditions,
} from '../../../src/objects/conditions.ts'

const state = { etag: 'abc', modifiedAtMs: Date.UTC(2026, 0, 1, 12, 0, 0, 500) }
const before = state.modifiedAtMs - 60_000
const after = state.modifiedAtMs + 60_000
/** The date that Last-Modified shows, which has no fraction: the object was not modified since. */
const same = Date.UTC(2026, 0, 1, 12, 0, 0)

const answer = (check: () => void): number => {
  try {
    check()
    return 200
  } catch (error) {
    const codes: Record<string, number> = { PreconditionFailed: 412, NotModified: 304, NoSuchKey: 404 }
    return codes[typeof error === 'object' && error && 'code' in error ? String(error.code) : ''] ?? 500
  }
}

const MATCH = { none: undefined, true: ['x', 'abc'], any: ['*'], false: ['x'] }
const NONE_MATCH = { none: undefined, true: ['x'], false: ['x', 'abc'], any: ['*'] }
const MODIFIED = { none: undefined, true: before, equal: same, false: after }
const UNMODIFIED = { none: undefined, true: after, equal: same, false: before }

/**
 * RFC 9110, 13.2.2, in its own order: If-Match, or else If-Unmodified-Since, decides between going on and 412; then
 * If-None-Match, or else If-Modified-Since, between 200 and 304.
 */
function expected(match: string, noneMatch: string, modified: string, unmodified: string): number {
  if (match === 'false') return 412
  if (match === 'none' && unmodified === 'false') return 412
  if (noneMatch === 'false' || noneMatch === 'any') return 304
  if (noneMatch === 'none' && (modified === 'false' || modified === 'equal')) return 304
  return 200
}

const combinations = Object.entries(MATCH).flatMap(([match, ifMatch]) =>
  Object.entries(NONE_MATCH).flatMap(([none, ifNoneMatch]) =>
    Object.entries(MODIFIED).flatMap(([modified, ifModifiedSinceMs]) =>
      Object.entries(UNMODIFIED).map(([unmodified, ifUnmodifiedSinceMs]) => ({
        match,
        none,
        modified,
        unmodified,
        conditions: {
          ...(ifMatch && { ifMatch }),
          ...(ifNoneMatch && { ifNoneMatch }),
          ...(ifModifiedSinceMs !== undefined && { ifModifiedSinceMs }),
          ...(ifUnmodifiedSinceMs !== undefined && { ifUnmodifiedSinceMs }),
        },
      })),
    ),
  ),
)

describe('conditions of a read', () => {
  it.each(combinations)('If-Match $match, If-None-Match $none, modified $modified, unmodified $unmodified', (each) => {
    const wanted = expected(each.match, each.none, each.modified, each.unmodified)
    expect(answer(() => checkReadConditions(each.conditions, state))).toBe(wanted)
    // S3: a copy knows no 304.
    expect(answer(() => checkCopyConditions(each.conditions, state))).toBe(wanted === 304 ? 412 : wanted)
  })

  // The two that S3 documents by themselves.
  it('If-Match true wins over If-Unmodified-Since false', () => {
    const conditions = { ifMatch: ['abc'], ifUnmodifiedSinceMs: before }
    expect(answer(() => checkReadConditions(conditions, state))).toBe(200)
  })
  it('If-None-Match false wins over If-Modified-Since true', () => {
    const conditions = { ifNoneMatch: ['abc'], ifModifiedSinceMs: before }
    expect(answer(() => checkReadConditions(conditions, state))).toBe(304)
  })
})

describe('conditions of a write', () => {
  it.each([
    { ifMatch: undefined, ifNoneMatch: undefined, there: 200, absent: 200 },
    { ifMatch: 'abc', ifNoneMatch: undefined, there: 200, absent: 404 },
    { ifMatch: '*', ifNoneMatch: undefined, there: 200, absent: 404 },
    { ifMatch: 'x', ifNoneMatch: undefined, there: 412, absent: 404 },
    { ifMatch: undefined, ifNoneMatch: '*', there: 412, absent: 200 },
    { ifMatch: undefined, ifNoneMatch: 'abc', there: 412, absent: 200 },
    { ifMatch: undefined, ifNoneMatch: 'x', there: 200, absent: 200 },
    { ifMatch: 'abc', ifNoneMatch: '*', there: 412, absent: 404 },
    { ifMatch: 'abc', ifNoneMatch: 'x', there: 200, absent: 404 },
    { ifMatch: 'x', ifNoneMatch: 'x', there: 412, absent: 404 },
  ])('If-Match $ifMatch, If-None-Match $ifNoneMatch', ({ ifMatch, ifNoneMatch, there, absent }) => {
    const conditions = { ...(ifMatch && { ifMatch }), ...(ifNoneMatch && { ifNoneMatch }) }
    return outcomesOf(conditions, [there, absent, absent])
  })

  it.each([
    { ifMatchSizeBytes: 5, outcomes: [200, 412, 200] },
    { ifMatchSizeBytes: 4, outcomes: [412, 412, 200] },
    { ifMatchModifiedAtMs: same, outcomes: [200, 412, 200] },
    { ifMatchModifiedAtMs: before, outcomes: [412, 412, 200] },
    { ifMatchSizeBytes: 5, ifMatchModifiedAtMs: before, outcomes: [412, 412, 200] },
  ])('of a deletion: %j', ({ outcomes, ...conditions }) => outcomesOf(conditions, outcomes))

  /** Of an object that is there, one whose current version is a delete marker, and one that is not there. */
  async function outcomesOf(conditions: WriteConditions, outcomes: readonly (number | undefined)[]): Promise<void> {
    const current = { ...state, sizeBytes: 5, etag: async () => state.etag }
    for (const [index, now] of ([current, 'marked', undefined] as const).entries()) {
      const code = await checkWriteConditions(conditions, now).then(
        () => 200,
        (error: unknown) =>
          answer(() => {
            throw error
          }),
      )
      expect(code).toBe(outcomes[index])
    }
  }
})
