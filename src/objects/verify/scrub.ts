import { setTimeout as wait } from 'node:timers/promises'
import type { Clock } from '../../base/clock.ts'
import type { BucketKeys } from '../bucket-keys.ts'
import type { DataKeyAudit } from '../data-key-audit.ts'
import type { Engine } from '../engine.ts'
import { type BucketVerifications, openBucketVerifications } from './bucket-verifications.ts'
import { bytePace } from './byte-pace.ts'
import type { Finding } from './finding.ts'
import { openKnownFindings } from './known-findings.ts'
import { loadWatch } from './load.ts'
import { readScrubState, type ScrubState, stateWrite } from './scrub-state.ts'
import { noCounts, verifyContents } from './verify-contents.ts'
import { verifyIndex } from './verify-index.ts'
import { verifyRows } from './verify-rows.ts'
import { type OpenTables, verifyTables } from './verify-tables.ts'

export interface ScrubOptions {
  /** From the end of one look to the beginning of the next; 0: only when it is asked for. Tables are read all the same. */
  readonly intervalMs: number
  /** Of stored bytes; 0: as fast as it goes. */
  readonly mibPerSecond: number
  /** Looked at in every look, and between looks as often as that. */
  readonly tables?: OpenTables
  readonly tablesIntervalMs?: number
  /** How often it is asked whether a look is due. */
  readonly tickMs?: number
  /** So many are kept, and beyond that each table, and the first of its kind in each bucket. */
  readonly maxFindings?: number
  /** Is the process busy with something else? Default: by its event loop. */
  readonly busy?: () => boolean
  /** Told of each finding when it is met the first time. */
  readonly onFinding?: (finding: Finding) => void
  readonly onPass?: (what: 'began' | 'went on' | 'ended', status: ScrubStatus) => void
}

export const DEFAULT_SCRUB: ScrubOptions = { intervalMs: 14 * 86_400_000, mibPerSecond: 8 }

export interface ScrubStatus extends Pick<ScrubState, 'pass' | 'counts' | 'bytesRead'> {
  /** `waiting`: others have something to do. */
  readonly state: 'idle' | 'running' | 'waiting'
  readonly startedAtMs: number | undefined
  /** Of the latest look; undefined while it goes on. */
  readonly finishedAtMs: number | undefined
  /** When the next begins by itself. */
  readonly dueAtMs: number | undefined
  /** Of the latest look, and those of the one before that are not looked at again yet. */
  readonly findings: number
  /** Of these: counted, and not kept. */
  readonly notKept: number
}

/** Looks through all that is stored, to the last tag, again and again, and changes nothing of it. */
export interface Scrub {
  readonly status: () => ScrubStatus
  readonly findings: () => readonly Finding[]
  /** All, since the process began. */
  readonly bytesRead: () => { readonly blobs: number; readonly tables: number }
  /** What people have looked through of one bucket. */
  readonly ofBucket: Omit<BucketVerifications, 'settled'>
  /** A look from the beginning, now, unless one is under way. */
  readonly begin: () => void
  /** Resolves when no look is under way, of a bucket either. */
  readonly settled: () => Promise<void>
  readonly close: () => Promise<void>
}

const TICK_MS = 60_000
/** What rots in a table is lost for good when LevelDB merges it with others, and tables are a small part of what is stored. */
export const TABLES_INTERVAL_MS = 86_400_000
const SAVE_MS = 10_000
/** To find a blob costs a disk as much as to read so much of it. */
const SEEK_BYTES = 16 * 1024
const INDEX_PAUSE_MS = 10
const MAX_FINDINGS = 1000

export async function openScrub(options: {
  readonly engine: Engine
  /** Data keys are recorded once for each bucket in each look: a look opens all there are. */
  readonly keysFor: (audit: (inner: DataKeyAudit) => DataKeyAudit) => BucketKeys
  readonly clock: Clock
  readonly settings: ScrubOptions
  readonly onError: (error: unknown) => void
}): Promise<Scrub> {
  const { engine, keysFor, clock, settings, onError } = options
  const { metadata, blobs, buckets } = engine
  const { intervalMs, mibPerSecond, busy, tickMs = TICK_MS, onFinding = () => {}, onPass = () => {} } = settings
  const { tables = new Map(), tablesIntervalMs = TABLES_INTERVAL_MS, maxFindings = MAX_FINDINGS } = settings
  const stop = new AbortController()
  const { signal } = stop
  const load = loadWatch(busy)
  const rate = bytePace(mibPerSecond, signal)
  const known = await openKnownFindings(metadata, { maxFindings, onFinding })
  /** In the look that is under way, by whether a restart goes through them again. */
  const dropped = { contents: 0, rows: 0 }
  let state = await readScrubState(metadata)
  let running: Promise<void> | undefined
  let readBytes = 0
  let bucketBytes = 0
  let tableBytes = 0
  // The start has read them all.
  let tablesReadAt = performance.now()
  let readingTables: Promise<void> | undefined

  const save = async (next: ScrubState): Promise<void> => {
    state = next
    await metadata.commit([stateWrite(next)])
  }
  const dueAtMs = (): number | undefined => {
    if (intervalMs === 0 || !state) return undefined
    return state.finishedAtMs === undefined ? clock.now() : state.finishedAtMs + intervalMs
  }
  const notKept = (): number => {
    if (!state) return 0
    const { finishedAtMs, notKept: ofContents = 0, notKeptBefore = 0 } = state
    return finishedAtMs === undefined ? Math.max(notKeptBefore, ofContents + dropped.rows) : ofContents
  }
  const status = (): ScrubStatus => ({
    state: running === undefined ? 'idle' : load.waiting() ? 'waiting' : 'running',
    pass: state?.pass ?? 0,
    counts: state?.counts ?? noCounts(),
    bytesRead: state?.bytesRead ?? 0,
    startedAtMs: state?.startedAtMs,
    finishedAtMs: state?.finishedAtMs,
    dueAtMs: dueAtMs(),
    findings: known.all().length + notKept(),
    notKept: notKept(),
  })

  const met = (pass: number, of: keyof typeof dropped) => (finding: Finding) => {
    if (!known.meet(pass, finding)) dropped[of]++
  }

  const spareBytes = async (bytes: number, until: AbortSignal): Promise<void> => {
    await rate.take(bytes + SEEK_BYTES)
    await load.spare(until)
  }
  const ofBucket = openBucketVerifications({
    ...{ engine, clock, known, maxFindings, signal, onError },
    keys: () => keysFor(onceEach),
    pass: () => state?.pass ?? 0,
    pace: async (bytes, until) => {
      bucketBytes += bytes
      await spareBytes(bytes, until)
    },
  })

  const readTables = async (): Promise<void> => {
    const pace = async (bytes: number): Promise<void> => {
      tableBytes += bytes
      await rate.take(bytes)
      await load.spare(signal)
    }
    try {
      await verifyTables(tables, pace, (finding) => met(state?.pass ?? 0, 'rows')(finding))
    } finally {
      await known.store()
    }
    tablesReadAt = performance.now()
  }
  /** One reading of them at a time. */
  const lookAtTables = (): Promise<void> => {
    readingTables ??= readTables().finally(() => {
      readingTables = undefined
    })
    return readingTables
  }

  const look = async (from: ScrubState): Promise<void> => {
    const { pass, counts } = from
    const found = met(pass, 'contents')
    const foundInRows = met(pass, 'rows')
    Object.assign(dropped, { contents: from.notKept ?? 0, rows: 0 })
    const bytesBefore = from.bytesRead - readBytes
    const now = (cursor = state?.cursor): ScrubState => ({
      ...{ pass, startedAtMs: from.startedAtMs, counts, bytesRead: bytesBefore + readBytes },
      ...(dropped.contents > 0 ? { notKept: dropped.contents } : {}),
      ...(from.notKeptBefore ? { notKeptBefore: from.notKeptBefore } : {}),
      ...(cursor ? { cursor } : {}),
    })
    const checking = {
      ...{ metadata, blobs, keys: keysFor(onceEach), checksums: false },
      pace: async (bytes: number) => {
        readBytes += bytes
        await spareBytes(bytes, signal)
      },
    }
    let savedAtMs = performance.now()
    // What began before this look is not of it.
    await readingTables?.catch(() => {})
    await lookAtTables()
    await verifyRows(metadata, buckets, clock, foundInRows)
    const whole = await verifyContents({
      ...{ checking, buckets, counts, from: from.cursor, signal, onFinding: found },
      onClosed: ({ bucket, key, versionId, uploadId }) => {
        for (const { finding } of known.all()) {
          const isOfIt = finding.bucket === bucket.name && finding.key === key
          if (isOfIt && finding.versionId === versionId && finding.uploadId === uploadId) found(finding)
        }
      },
      onProgress: async (cursor) => {
        state = now(cursor)
        await known.store()
        if (performance.now() - savedAtMs < SAVE_MS) return
        await save(state)
        savedAtMs = performance.now()
      },
    })
    const pause = async (): Promise<void> => {
      await wait(INDEX_PAUSE_MS, undefined, { signal, ref: false })
      await load.spare(signal)
    }
    const complete = whole && (await verifyIndex({ metadata, buckets, signal, onFinding: foundInRows, pause }))
    await known.store()
    if (!complete) return await save(now())
    // What was not met again was put right, or is gone.
    known.end(known.all().flatMap((one) => (one.pass === pass ? [] : [one.finding])))
    await known.store()
    const { cursor: _, notKeptBefore: __, ...rest } = now()
    const left = dropped.contents + dropped.rows
    state = { ...rest, finishedAtMs: clock.now(), ...(left > 0 ? { notKept: left } : {}) }
    await metadata.commit([stateWrite(state)])
    onPass('ended', status())
  }

  const failed = (error: unknown): void => {
    if (!signal.aborted) onError(error)
  }
  const run = (from: ScrubState): void => {
    state = from
    onPass(from.cursor ? 'went on' : 'began', status())
    running = look(from)
      .catch(failed)
      .finally(() => {
        running = undefined
      })
  }
  const fresh = (): ScrubState => ({
    pass: (state?.pass ?? 0) + 1,
    startedAtMs: clock.now(),
    counts: noCounts(),
    bytesRead: 0,
    ...(notKept() > 0 ? { notKeptBefore: notKept() } : {}),
  })
  const tick = async (): Promise<void> => {
    if (running !== undefined || signal.aborted || intervalMs === 0) return
    if (!state) {
      // A new store has nothing yet that could have rotted; an interval from now it is looked at the first time.
      const now = clock.now()
      return await save({ pass: 0, startedAtMs: now, finishedAtMs: now, counts: noCounts(), bytesRead: 0 })
    }
    if (state.finishedAtMs === undefined)
      return run({ ...state, counts: { ...state.counts, closed: { ...state.counts.closed } } })
    // One that ended at a time that is yet to come ended under a clock that stood wrong.
    const since = clock.now() - state.finishedAtMs
    if (since >= intervalMs || since < 0) run(fresh())
  }
  const tickTables = async (): Promise<void> => {
    if (readingTables !== undefined || signal.aborted) return
    if (performance.now() - tablesReadAt >= tablesIntervalMs) await lookAtTables()
  }
  const timer = setInterval(() => {
    tick().catch(onError)
    tickTables().catch(failed)
  }, tickMs)
  timer.unref()

  return {
    status,
    findings: () => known.all().map(({ finding }) => finding),
    bytesRead: () => ({ blobs: readBytes + bucketBytes, tables: tableBytes }),
    ofBucket,
    begin: () => {
      if (running === undefined && !signal.aborted) run(fresh())
    },
    settled: async () => {
      while (running ?? readingTables) await (running ?? readingTables)
      await ofBucket.settled()
    },
    close: async () => {
      stop.abort()
      clearInterval(timer)
      await running
      await readingTables?.catch(() => {})
      await ofBucket.settled()
    },
  }
}

/** Says of each key of a bucket once that it was used, and of no object. */
function onceEach(inner: DataKeyAudit): DataKeyAudit {
  const seen = new Set<string>()
  return {
    ...inner,
    record: ({ key: _, ...use }) => {
      const { bucket, rootKeyCrn, keyVersion, dataKey, use: how, code } = use
      const name = JSON.stringify([bucket, rootKeyCrn, keyVersion, dataKey, how, code])
      if (seen.has(name)) return
      seen.add(name)
      inner.record(use)
    },
  }
}
