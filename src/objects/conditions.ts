import { ObjectsError } from './errors.ts'

/** Conditions of a read, as RFC 9110 has them. ETags without quotes, `*` for any. */
export interface ReadConditions {
  readonly ifMatch?: readonly string[]
  readonly ifNoneMatch?: readonly string[]
  readonly ifModifiedSinceMs?: number
  readonly ifUnmodifiedSinceMs?: number
}

/** Conditions of a write. The ETags are one each, or `*`. */
export interface WriteConditions {
  readonly ifMatch?: string
  readonly ifNoneMatch?: string
  /** Of deletions: what does not exist meets these. */
  readonly ifMatchSizeBytes?: number
  readonly ifMatchModifiedAtMs?: number
}

export const isConditional = (conditions: WriteConditions): boolean => Object.keys(conditions).length > 0

interface State {
  readonly etag: string
  readonly modifiedAtMs: number
}

const matches = (tags: readonly string[], etag: string): boolean => tags.includes('*') || tags.includes(etag)

/** HTTP dates have whole seconds. */
const seconds = (timeMs: number): number => Math.floor(timeMs / 1000)

/**
 * Throws PreconditionFailed or NotModified.
 * S3: If-Match true and If-Unmodified-Since false gives 200; If-None-Match false and If-Modified-Since true gives 304:
 * the ETag conditions win over the dates.
 */
export function checkReadConditions(conditions: ReadConditions, state: State): void {
  const { ifMatch, ifNoneMatch, ifModifiedSinceMs, ifUnmodifiedSinceMs } = conditions
  if (ifMatch) {
    if (!matches(ifMatch, state.etag)) throw preconditionFailed('If-Match')
  } else if (ifUnmodifiedSinceMs !== undefined && seconds(state.modifiedAtMs) > seconds(ifUnmodifiedSinceMs)) {
    throw preconditionFailed('If-Unmodified-Since')
  }
  if (ifNoneMatch) {
    if (matches(ifNoneMatch, state.etag)) throw notModified()
  } else if (ifModifiedSinceMs !== undefined && seconds(state.modifiedAtMs) <= seconds(ifModifiedSinceMs)) {
    throw notModified()
  }
}

/** The same conditions on the source of a copy: S3 answers 412 for all of them. */
export function checkCopyConditions(conditions: ReadConditions, state: State): void {
  try {
    checkReadConditions(conditions, state)
  } catch (error) {
    if (error instanceof ObjectsError && error.code === 'NotModified') {
      throw preconditionFailed(
        conditions.ifNoneMatch ? 'x-amz-copy-source-If-None-Match' : 'x-amz-copy-source-If-Modified-Since',
      )
    }
    throw error
  }
}

/**
 * `current` undefined: there is no such object; `marked`: its current version is a delete marker. `etag` is asked for when a
 * condition needs it.
 */
export async function checkWriteConditions(
  conditions: WriteConditions,
  current: WrittenState | 'marked' | undefined,
): Promise<void> {
  const { ifMatch, ifNoneMatch, ifMatchSizeBytes, ifMatchModifiedAtMs } = conditions
  const live = current === 'marked' ? undefined : current
  if (ifMatch !== undefined) {
    // S3: If-Match on a key that does not exist answers 404 NoSuchKey.
    if (!live) throw new ObjectsError('NoSuchKey', 'The specified key does not exist.')
    if (!matches([ifMatch], await live.etag())) throw preconditionFailed('If-Match')
  }
  if (ifNoneMatch !== undefined && live && matches([ifNoneMatch], await live.etag())) {
    throw preconditionFailed('If-None-Match')
  }
  if (current === undefined) return
  if (ifMatchSizeBytes !== undefined && live?.sizeBytes !== ifMatchSizeBytes) {
    throw preconditionFailed('x-amz-if-match-size')
  }
  if (ifMatchModifiedAtMs !== undefined && (!live || seconds(live.modifiedAtMs) !== seconds(ifMatchModifiedAtMs))) {
    throw preconditionFailed('x-amz-if-match-last-modified-time')
  }
}

interface WrittenState {
  readonly sizeBytes: number
  readonly modifiedAtMs: number
  readonly etag: () => Promise<string>
}

const preconditionFailed = (condition: string): ObjectsError =>
  new ObjectsError('PreconditionFailed', 'At least one of the pre-conditions you specified did not hold', {
    details: { condition },
  })

const notModified = (): ObjectsError => new ObjectsError('NotModified', 'Not Modified')
