import { CodedError, hasCode } from '../../base/errors.ts'
import { type AuditErrorCode, noAudit } from '../../observe/audit-trail.ts'
import { type DamagedRow, rangeWithDamaged } from '../../storage/metadata/damaged-rows.ts'
import type { Entry, MetadataStoreErrorCode, Space } from '../../storage/metadata/metadata-store.ts'
import type { Json } from '../bucket-document.ts'
import type { BucketKeys } from '../bucket-keys.ts'
import type { Bucket } from '../buckets.ts'
import { sameBucket } from '../commit-version.ts'
import type { Engine } from '../engine.ts'
import type { ObjectsErrorCode } from '../errors.ts'
import { headKey, rowsUnder, SPACE, splitVersionKey } from '../keyspace.ts'
import { pacer } from '../pace.ts'
import { abortIfDue } from './abort-upload.ts'
import type { LifecycleAct, LifecycleAudit, LifecycleWork } from './act.ts'
import { actOnCurrent } from './current.ts'
import { CALENDAR_DAY_MS } from './due.ts'
import { actOnNoncurrent } from './noncurrent.ts'
import { type LifecycleRule, lifecycleFrom } from './rule.ts'
import { clockIsTrusted, type LifecycleState, readState, stateWrite } from './state.ts'

export interface LifecycleOptions {
  /** How long a day of a rule lasts; anything but a calendar day is for tests. */
  readonly dayMs: number
  /** Objects and uploads of all buckets together; 0: as fast as it goes. */
  readonly perSecond: number
  /** Told of everything that a rule did. Default: nobody. */
  readonly audit?: LifecycleAudit
  readonly onAct?: (act: LifecycleAct) => void
}

export const DEFAULT_LIFECYCLE: LifecycleOptions = { dayMs: CALENDAR_DAY_MS, perSecond: 500 }

/** Looks through the buckets that have rules, once a day and when their rules change, and does what is due. */
export interface Lifecycle {
  /** Looks through all of them now. Resolves when it has; waits for one that is under way. */
  readonly pass: () => Promise<void>
  readonly close: () => Promise<void>
}

const PAGE = 200
/** A cursor that lags behind costs a repeated look at so many pages. */
const PAGES_PER_SAVE = 10
/** Kinds of what keeps objects of a space from being looked at. */
const MAX_PROBLEMS = 10
const TICK_MS = 60_000
const TICKS_PER_SHORT_DAY = 20

interface Look {
  readonly space: Space
  readonly needed: (rule: LifecycleRule) => boolean
  /** What is given all rows of the space in their order. */
  readonly begin: (work: LifecycleWork) => (row: Entry) => Promise<void>
}

const LOOKS: readonly Look[] = [
  {
    space: SPACE.upload,
    needed: (rule) => rule.abortUploadDays !== undefined,
    begin: (work) => (row) => abortIfDue(work, row),
  },
  {
    space: SPACE.head,
    needed: ({ expiration, transitions }) => Boolean(expiration ?? transitions),
    begin: (work) => (row) => actOnCurrent(work, row),
  },
  {
    space: SPACE.version,
    needed: ({ expiration, noncurrentExpiration, noncurrentTransitions }) =>
      Boolean(expiration ?? noncurrentExpiration ?? noncurrentTransitions),
    begin: actOnNoncurrent,
  },
]

/** Those that are enabled, of a bucket. */
interface Rules extends Pick<LifecycleWork, 'rules' | 'transitionMinimum'> {
  readonly document: Json
}

export function openLifecycle(options: {
  readonly engine: Engine
  readonly keys: BucketKeys
  readonly settings: LifecycleOptions
  readonly onError: (error: unknown) => void
}): Lifecycle {
  const { engine, keys, settings, onError } = options
  const { metadata, buckets, documents, clock } = engine
  const { dayMs, perSecond, audit = noAudit, onAct = () => {} } = settings
  const calendar = dayMs === CALENDAR_DAY_MS
  const tickMs = calendar ? TICK_MS : Math.max(100, Math.floor(dayMs / TICKS_PER_SHORT_DAY))
  const stop = new AbortController()
  const pace = pacer(perSecond, stop.signal)
  /** The rules of each bucket as they were looked at last, or as they were at the start. */
  const seen = new Map<string, Json>()
  for (const bucket of buckets.all()) {
    const document = readable(() => documents.get(bucket, 'lifecycle'))
    if (document !== undefined) seen.set(bucket.id, document)
  }

  const rulesOf = (bucket: Bucket): Rules | undefined => {
    const document = documents.get(bucket, 'lifecycle')
    const configuration = lifecycleFrom(document)
    const rules = configuration?.rules.filter(({ enabled }) => enabled) ?? []
    const transitionMinimum = configuration?.transitionMinimum
    return document === undefined || rules.length === 0 ? undefined : { document, rules, transitionMinimum }
  }

  /** A look at a time that is yet to come was under a clock that stood wrong: nothing is known of it. */
  const stateOf = async ({ id }: Bucket): Promise<LifecycleState | undefined> => {
    const state = await readState(metadata, id)
    return state && state.startedAtMs <= clock.now() ? state : undefined
  }

  /** Everything becomes due at midnight. */
  const isOver = (state: LifecycleState | undefined, bucketId: string, document: Json): boolean => {
    if (state?.finishedAtMs === undefined) return false
    const known = seen.get(bucketId)
    if (known !== undefined && known !== document) return false
    return calendar && state.startedAtMs >= Math.floor(clock.now() / dayMs) * dayMs
  }

  const lookThrough = async (bucket: Bucket, force: boolean): Promise<void> => {
    const found = rulesOf(bucket)
    if (!found) return
    const { document, rules, transitionMinimum } = found
    const state = await stateOf(bucket)
    if (!force && isOver(state, bucket.id, document)) return
    const known = seen.get(bucket.id)
    const resumed = state?.finishedAtMs === undefined && (known === undefined || known === document) ? state : undefined
    seen.set(bucket.id, document)
    const startedAtMs = resumed?.startedAtMs ?? clock.now()
    const holds = (): boolean => documents.get(bucket, 'lifecycle') === document
    const work: LifecycleWork = {
      ...{ engine, keys, bucket, rules, transitionMinimum, dayMs, nowMs: clock.now() },
      signal: stop.signal,
      holds,
      begin: async () => {
        await pace()
        if (!holds()) return false
        audit.ready()
        return true
      },
      did: (act) => {
        const done: LifecycleAct = { ...act, bucket }
        audit.record(done)
        onAct(done)
      },
    }
    let pages = 0
    const progress = async (space: Space, after: Buffer): Promise<void> => {
      if (++pages % PAGES_PER_SAVE === 0) {
        await store(bucket, { startedAtMs, cursor: { space, after } })
      }
    }
    const from = resumed?.cursor
    const first = from ? LOOKS.findIndex(({ space }) => space === from.space) : 0
    for (const look of LOOKS.slice(Math.max(first, 0))) {
      if (!rules.some(look.needed)) continue
      const after = from?.space === look.space ? from.after : undefined
      if (await lookAtRows(work, look, after, progress)) continue
      // Other rules begin at the first row, also after a restart.
      if (!holds()) await store(bucket, { startedAtMs })
      return
    }
    // A day that is over at once needs no memory of the last.
    if (calendar) await store(bucket, { startedAtMs, finishedAtMs: clock.now() })
  }

  const store = async (bucket: Bucket, state: LifecycleState): Promise<void> => {
    await metadata.commit([engine.buckets.fence(sameBucket(engine, bucket)), stateWrite(bucket.id, state)])
  }

  /** False when it was given up. */
  const lookAtRows = async (
    work: LifecycleWork,
    { space, begin }: Look,
    after: Buffer | undefined,
    progress: (space: Space, after: Buffer) => Promise<void>,
  ): Promise<boolean> => {
    const under = rowsUnder(headKey(work.bucket.id, ''))
    const act = begin(work)
    /** The first of each kind: a thousand objects of a locked bucket are told of once. */
    const problems = new Map<string, unknown>()
    let gte = after ? startBehind(space, work.bucket, after) : under.gte
    for (;;) {
      if (stop.signal.aborted || !work.holds() || engine.buckets.find(work.bucket.name)?.id !== work.bucket.id)
        return false
      const rows: (Entry | DamagedRow)[] = await rangeWithDamaged(metadata, space, { gte, lt: under.lt, limit: PAGE })
      for (const row of rows) {
        if (!work.holds()) return false
        // Whoever asks for it is told; here nobody knows when it is due.
        if ('damage' in row) continue
        try {
          await act(row)
        } catch (error) {
          if (concernsAll(error) || stop.signal.aborted) throw error
          const kind = error instanceof CodedError ? error.code : String(error)
          if (!problems.has(kind) && problems.size < MAX_PROBLEMS) problems.set(kind, error)
        }
      }
      const last = rows.at(-1)
      if (rows.length < PAGE || !last) break
      await progress(space, last.key)
      gte = behind(last.key)
    }
    // Tags of a locked bucket cannot be read, bytes that are gone not be moved: they wait for the next look.
    for (const problem of problems.values()) onError(problem)
    return true
  }

  const passOnce = async (force: boolean): Promise<void> => {
    for (const bucket of buckets.all()) {
      if (stop.signal.aborted) return
      try {
        await lookThrough(bucket, force)
      } catch (error) {
        if (stop.signal.aborted || hasCode<ObjectsErrorCode>(error, 'NoSuchBucket', 'BucketBusy')) continue
        onError(error)
      }
    }
    for (const id of seen.keys()) if (!buckets.all().some((bucket) => bucket.id === id)) seen.delete(id)
  }

  let running: Promise<void> = Promise.resolve()
  const pass = (force: boolean): Promise<void> => {
    running = running.then(() => passOnce(force))
    return running
  }
  /** A clock that is far ahead would have everything deleted at once. */
  const passIfTrusted = async (): Promise<void> => {
    if (calendar && !(await clockIsTrusted(metadata, clock.now()))) return
    await pass(false)
  }
  let ticking = false
  const timer = setInterval(() => {
    if (ticking) return
    ticking = true
    void passIfTrusted()
      .catch(onError)
      .finally(() => {
        ticking = false
      })
  }, tickMs)
  timer.unref()

  return {
    pass: () => pass(true),
    close: async () => {
      stop.abort()
      clearInterval(timer)
      await running
    },
  }
}

/** The versions of a key are judged together. */
const startBehind = (space: Space, bucket: Bucket, after: Buffer): Buffer =>
  space === SPACE.version ? headKey(bucket.id, splitVersionKey(after).key) : behind(after)

/** What is damaged is told of by whoever asks for it. */
function readable<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}

const behind = (key: Buffer): Buffer => Buffer.concat([key, Buffer.from([0])])

/** Anything else keeps one object from being judged, deleted or moved, and no other. */
const concernsAll = (error: unknown): boolean =>
  hasCode<ObjectsErrorCode | AuditErrorCode | MetadataStoreErrorCode>(
    error,
    'NoSuchBucket',
    'BucketBusy',
    'AuditUnavailable',
    'MetadataStoreFailed',
    'CommitUnknown',
  )
