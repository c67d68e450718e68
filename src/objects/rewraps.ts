import { CodedError, hasCode } from '../base/errors.ts'
import { createSerial, type Serial } from '../base/serial.ts'
import type { MetadataStoreErrorCode, Write } from '../storage/metadata/metadata-store.ts'
import type { BucketKeys } from './bucket-keys.ts'
import type { Bucket } from './buckets.ts'
import { sameBucket } from './commit-version.ts'
import { dropSlots } from './drop-slots.ts'
import type { Engine } from './engine.ts'
import { ObjectsError, type ObjectsErrorCode } from './errors.ts'
import { isOfOneKey, type KeyRefusals } from './key-refusals.ts'
import { isMoving, isOpen, type KeySlot } from './key-slots.ts'
import type { NewestVersions } from './outdated.ts'
import { pacer } from './pace.ts'
import { reencryptVersion, type StoredVersion } from './reencrypt-version.ts'
import { renewRegistrations } from './renew-registrations.ts'
import { renewOwnKeys, rewrapBucket } from './rewrap-bucket.ts'
import { endOfJob, jobWrite, NOTHING_REENCRYPTED, newJob, type RewrapJob, readJobs } from './rewrap-jobs.ts'

export interface RewrapOptions {
  /** Objects and uploads of all buckets together; 0: as fast as it goes. */
  readonly perSecond: number
  /** What cannot go on is tried again after this time, or when a root key changes. */
  readonly retryMs: number
  /** Rewraps a bucket when something of it is found under a version of its root key that is not the newest. */
  readonly automatic: boolean
}

export const DEFAULT_REWRAP: RewrapOptions = { perSecond: 500, retryMs: 30_000, automatic: false }

/** Buckets whose data keys are put under other keys or versions in the background. */
export interface Rewraps {
  /** From the beginning, also when it is paused. Resolves when that is durable. */
  readonly start: (bucket: Bucket) => Promise<RewrapJob>
  /** Every bucket that refers to the root key, after a rotation; but for those that are paused. */
  readonly startOfKey: (rootKeyCrn: string) => Promise<readonly RewrapJob[]>
  /**
   * Every bucket in which the root key itself wraps, near the limit of what it may wrap. What is new comes under bucket keys
   * when it resolves; what is there is rewrapped, but for what is paused.
   */
  readonly reKey: (rootKeyCrn: string) => Promise<void>
  /** Goes on after the page it is at. Throws NoSuchRewrap. */
  readonly pause: (bucket: Bucket) => Promise<RewrapJob>
  readonly resume: (bucket: Bucket) => Promise<RewrapJob>
  /**
   * Ends it before its end, also over a restart; what was rewrapped stays so, and all of the bucket can be read. Throws
   * NoSuchRewrap; BucketMoving when something of the bucket is on its way to another root key.
   */
  readonly cancel: (bucket: Bucket) => Promise<RewrapJob>
  /** The latest of each bucket, in no order. */
  readonly jobs: () => readonly RewrapJob[]
  /** Something may be possible by now that was not before. */
  readonly wake: () => void
  /**
   * Begins with a change of the bucket, whose commit has the write that says so. Undefined: there was nothing to change, and
   * nothing begins.
   */
  readonly beginWith: <T>(
    bucket: Bucket,
    change: (write: Write) => Promise<T | undefined>,
    options?: { readonly reencrypt?: boolean | undefined },
  ) => Promise<T | undefined>
  /** A use of a key showed that it has this version, and that something of the bucket lies under an earlier one. */
  readonly outdated: (bucketId: string, rootKeyCrn: string, keyVersion: string) => void
  /** Resolves when nothing goes on; what waits for a key does not. */
  readonly idle: () => Promise<void>
  readonly close: () => Promise<void>
}

/** Buckets at a time. */
const AT_A_TIME = 4
/** A cursor that lags behind costs a repeated look at so many pages. */
const PAGES_PER_SAVE = 10

const isPassing = (error: unknown): boolean =>
  isOfOneKey(error) || hasCode(error, 'CommitUnknown', 'BucketBusy', 'NoSpace', 'AuditUnavailable')

const problemOf = (error: unknown): string => (error instanceof CodedError ? error.code : 'Unexpected')

const refusalsOf = (refusals: KeyRefusals): Pick<RewrapJob, 'refusals'> => {
  const list = [...refusals].map(([rootKeyCrn, error]) => ({ rootKeyCrn, problem: problemOf(error) }))
  return list.length === 0 ? {} : { refusals: list }
}

export async function openRewraps(options: {
  readonly engine: Engine
  readonly keys: BucketKeys
  /** For what is sealed anew. */
  readonly reencryptKeys: BucketKeys
  readonly byName: Serial
  readonly settings: RewrapOptions
  readonly onError: (error: unknown) => void
}): Promise<Rewraps> {
  const { engine, keys, reencryptKeys, byName, settings, onError } = options
  const { metadata, buckets, clock } = engine
  const stop = new AbortController()
  const pace = pacer(settings.perSecond, stop.signal)
  const jobs = new Map((await readJobs(metadata)).map((job) => [job.bucketId, job]))
  const queue = new Set<string>()
  const running = new Map<string, Promise<void>>()
  const retries = new Map<string, NodeJS.Timeout>()
  /** What was asked for anew while it went on: what is under way may have passed it already. */
  const again = new Set<string>()
  /** Whose runs have to wait for what is about to change. */
  const held = new Set<string>()
  /** Versions of root keys that a run for the bucket began with, or ended under, in the life of the process. */
  const met = new Map<string, Set<string>>()
  /** A version that a use showed while a run was under way that may not have met it. */
  const news = new Map<string, Parameters<Rewraps['outdated']>>()
  const meets = (bucketId: string, newest: NewestVersions): void => {
    const versions = met.get(bucketId) ?? new Set()
    for (const [rootKeyCrn, keyVersion] of newest) versions.add(`${rootKeyCrn} ${keyVersion}`)
    met.set(bucketId, versions)
  }
  const isNews = (...[bucketId, rootKeyCrn, keyVersion]: Parameters<Rewraps['outdated']>): boolean =>
    !met.get(bucketId)?.has(`${rootKeyCrn} ${keyVersion}`)

  // What is stored last is what is known last: every commit of a job is within the serial, and tells what is known by then.
  const saving = createSerial()
  const store = (bucketId: string): Promise<void> =>
    saving.run(bucketId, async () => {
      const job = jobs.get(bucketId)
      await metadata.commit([job ? jobWrite(job) : endOfJob(bucketId)])
    })
  const save = async (job: RewrapJob): Promise<void> => {
    jobs.set(job.bucketId, job)
    await store(job.bucketId)
  }
  const jobOf = (bucket: Pick<Bucket, 'id'>): RewrapJob => {
    const job = jobs.get(bucket.id)
    if (!job) throw new ObjectsError('NoSuchRewrap', 'The bucket is not being rewrapped and never was.')
    return job
  }

  /** What is to be sealed anew and is not yet still is, whatever it is that begins anew, unless that was cancelled. */
  const nextJob = (bucket: Bucket, reencrypt = false): RewrapJob => {
    const before = jobs.get(bucket.id)
    const unfinished = before?.state === 'done' || before?.state === 'cancelled' ? undefined : before?.reencrypts
    return newJob(bucket, clock.now(), unfinished ?? (reencrypt ? NOTHING_REENCRYPTED : undefined))
  }

  /** Within the serial of the name: a bucket that is deleted must not be registered again. */
  const renew = async ({ id, name }: Bucket): Promise<void> => {
    const now = buckets.find(name)
    if (now?.id === id && !now.deleting) await renewRegistrations(engine, keys, now)
  }

  const run = async (bucketId: string): Promise<void> => {
    const first = jobs.get(bucketId)
    const bucket = first && buckets.find(first.bucket)
    if (!first || bucket?.id !== bucketId) {
      jobs.delete(bucketId)
      met.delete(bucketId)
      await store(bucketId)
      return
    }
    // Woken for what waits for a key, but paused since.
    if (first.state !== 'running') return
    const goesOn = () =>
      !stop.signal.aborted && jobs.get(bucketId)?.state === 'running' && !again.has(bucketId) && !held.has(bucketId)
    const update = (change: Partial<RewrapJob>): RewrapJob => {
      const job = { ...(jobs.get(bucketId) ?? first), ...change }
      jobs.set(bucketId, job)
      return job
    }
    const reencrypt = async (version: StoredVersion): Promise<boolean> => {
      const count = (versions: number, bytes: number, damaged: number): void => {
        const before = jobs.get(bucketId)?.reencrypts ?? NOTHING_REENCRYPTED
        const reencrypts = {
          versions: before.versions + versions,
          bytes: before.bytes + bytes,
          damaged: before.damaged + damaged,
        }
        update({ reencrypts })
      }
      try {
        const isDone = await reencryptVersion(engine, reencryptKeys, bucket, version, goesOn)
        if (isDone) count(1, version.record.sizeBytes, 0)
        return isDone
      } catch (error) {
        if (hasCode<ObjectsErrorCode>(error, 'ObjectDamaged')) count(0, 0, 1)
        throw error
      }
    }
    let pages = 0
    const end = await rewrapBucket(engine, keys, bucket, {
      cursor: first.cursor,
      goesOn,
      pace,
      ...(first.reencrypts ? { reencrypt } : {}),
      meets: (newest) => meets(bucketId, newest),
      progress: async ({ examined, rewrapped }, cursor) => {
        // Begun anew meanwhile: what was looked at before counts for nothing.
        if (again.has(bucketId)) return
        const job = jobs.get(bucketId) ?? first
        const next = update({ examined: job.examined + examined, rewrapped: job.rewrapped + rewrapped, cursor })
        if (++pages % PAGES_PER_SAVE === 0) await save(next)
      },
    })
    const dropped = end !== undefined && (await dropSlots(engine, byName, bucket, goesOn))
    // What a registration says of versions is for people to read: nothing waits for it.
    if (dropped && end.complete && !again.has(bucketId))
      await byName.run(bucket.name, () => renew(bucket)).catch(unlessPassing)
    const { cursor, problem: _, refusals: _before, ...job } = update({})
    if (again.has(bucketId)) return
    const refusals = end ? refusalsOf(end.refusals) : {}
    if (dropped && end.complete && goesOn()) {
      return save({ ...job, ...refusals, state: 'done', finishedAtMs: clock.now() })
    }
    const [refusal] = end?.complete === false ? (refusals.refusals ?? []) : []
    await save({ ...job, ...refusals, ...(cursor ? { cursor } : {}), ...(refusal ? { problem: refusal.problem } : {}) })
    if (refusal) retryLater(bucketId)
  }

  const unlessPassing = (error: unknown): void => {
    if (!isPassing(error)) onError(error)
  }

  const failed = async (bucketId: string, error: unknown): Promise<void> => {
    const job = jobs.get(bucketId)
    if (stop.signal.aborted || !job) return
    // Deleted meanwhile: its job goes with it.
    if (buckets.find(job.bucket)?.id !== bucketId) return void queue.add(bucketId)
    if (job.state === 'cancelled') return
    const problem = problemOf(error)
    const lasting = !isPassing(error)
    if (lasting) onError(error)
    if (lasting && job.state === 'running') return save({ ...job, problem, state: 'failed' })
    jobs.set(bucketId, { ...job, problem })
    retryLater(bucketId)
  }

  const retryLater = (bucketId: string): void => {
    clearTimeout(retries.get(bucketId))
    const timer = setTimeout(() => enqueue(bucketId), settings.retryMs).unref()
    retries.set(bucketId, timer)
  }

  const pump = (): void => {
    for (const bucketId of queue) {
      if (stop.signal.aborted || running.size >= AT_A_TIME) return
      if (running.has(bucketId) || held.has(bucketId)) continue
      queue.delete(bucketId)
      again.delete(bucketId)
      const work = run(bucketId)
        .catch((error: unknown) => failed(bucketId, error))
        .catch((error: unknown) => {
          if (!hasCode<MetadataStoreErrorCode>(error, 'CommitUnknown')) onError(error)
          retryLater(bucketId)
        })
        .finally(() => {
          running.delete(bucketId)
          if (again.has(bucketId)) queue.add(bucketId)
          const about = news.get(bucketId)
          news.delete(bucketId)
          if (about && isNews(...about)) outdated(...about)
          pump()
        })
      running.set(bucketId, work)
    }
  }
  const enqueue = (bucketId: string): void => {
    clearTimeout(retries.get(bucketId))
    retries.delete(bucketId)
    if (running.has(bucketId)) again.add(bucketId)
    else queue.add(bucketId)
    pump()
  }

  const begin = (job: RewrapJob): void => {
    jobs.set(job.bucketId, job)
    enqueue(job.bucketId)
  }
  const beginWith: Rewraps['beginWith'] = async (bucket, change, { reencrypt } = {}) => {
    using _ = reencrypt ? await withoutRun(bucket.id) : undefined
    const job = nextJob(bucket, reencrypt)
    return await saving.run(bucket.id, async () => {
      try {
        const changed = await change(jobWrite(job))
        if (changed !== undefined) begin(job)
        return changed
      } catch (error) {
        // It may have taken place though nobody was told.
        if (hasCode<MetadataStoreErrorCode>(error, 'CommitUnknown')) begin(job)
        throw error
      }
    })
  }
  /** A run that only rewraps would take along what is to be sealed anew, before it knew. */
  const withoutRun = async (bucketId: string): Promise<Disposable> => {
    held.add(bucketId)
    await running.get(bucketId)
    return {
      [Symbol.dispose]: () => {
        held.delete(bucketId)
        if (jobs.get(bucketId)?.state === 'running') enqueue(bucketId)
      },
    }
  }
  const start = async (bucket: Bucket): Promise<RewrapJob> => {
    await beginWith(bucket, (write) => metadata.commit([write]))
    return jobOf(bucket)
  }

  const outdated: Rewraps['outdated'] = (...about) => {
    const [bucketId] = about
    const bucket = buckets.all().find(({ id }) => id === bucketId)
    const job = jobs.get(bucketId)
    const isStopped = job?.state === 'paused' || job?.state === 'cancelled'
    if (!settings.automatic || !bucket || isStopped || stop.signal.aborted) return
    const isNew = isNews(...about)
    if (job?.state === 'running') {
      if (running.has(bucketId)) {
        if (isNew) news.set(bucketId, about)
      } else if (isNew && met.has(bucketId)) enqueue(bucketId)
      return
    }
    // What does not open does not do so at the next use either, and an answer may be older than the run.
    const isLate = job?.finishedAtMs !== undefined && clock.now() - job.finishedAtMs < settings.retryMs
    if (!isNew && (job?.state === 'failed' || isLate)) return
    // Not waited for: a request found it.
    begin(nextJob(bucket))
    store(bucketId).catch(onError)
  }

  const isPaused = (bucketId: string): boolean => jobs.get(bucketId)?.state === 'paused'
  const using = (concerns: (slot: KeySlot) => boolean): readonly Bucket[] =>
    buckets.all().filter(({ slots }) => slots.some(concerns))

  for (const { bucketId, bucket, state } of jobs.values()) {
    if (state === 'running' || buckets.find(bucket)?.id !== bucketId) queue.add(bucketId)
  }
  for (const bucket of buckets.all()) {
    // Something is to go elsewhere, whatever became of the row that says so.
    const state = jobs.get(bucket.id)?.state ?? 'done'
    if (state === 'done' && !bucket.slots.every(isOpen)) {
      jobs.set(bucket.id, nextJob(bucket))
      queue.add(bucket.id)
    }
  }
  pump()

  return {
    start,
    startOfKey: async (rootKeyCrn) => {
      const started: RewrapJob[] = []
      for (const bucket of using((slot) => slot.rootKeyCrn === rootKeyCrn)) {
        if (!isPaused(bucket.id)) started.push(await start(bucket))
      }
      return started
    },
    reKey: async (rootKeyCrn) => {
      const concerned = using((slot) => slot.rootKeyCrn === rootKeyCrn && slot.kind === 'root' && isOpen(slot))
      // First in all of them: rewrapping takes time, and unwrapping may have the root key wrap once more.
      for (const bucket of concerned) {
        await renewOwnKeys(engine, keys, bucket, (newest) => meets(bucket.id, newest)).catch((error: unknown) => {
          if (!isPassing(error)) onError(error)
        })
      }
      for (const { id, name } of concerned) {
        const bucket = buckets.find(name)
        if (bucket?.id === id && !isPaused(id)) await start(bucket)
      }
    },
    pause: async (bucket) => {
      const job = jobOf(bucket)
      if (job.state === 'running') await save({ ...job, state: 'paused' })
      return jobOf(bucket)
    },
    resume: async (bucket) => {
      const job = jobOf(bucket)
      if (job.state === 'paused' || job.state === 'failed') {
        await save({ ...job, state: 'running' })
        enqueue(bucket.id)
      }
      return jobOf(bucket)
    },
    cancel: async (bucket) => {
      const { cursor: _, problem: _before, refusals: _theirs, ...job } = jobOf(bucket)
      if (job.state === 'done' || job.state === 'cancelled') return jobOf(bucket)
      if (isMoving(sameBucket(engine, bucket)))
        throw new ObjectsError('BucketMoving', 'The bucket is on its way to another root key, and stays under both so.')
      await save({ ...job, state: 'cancelled', finishedAtMs: clock.now() })
      return jobOf(bucket)
    },
    jobs: () => [...jobs.values()].filter(({ bucket, bucketId }) => buckets.find(bucket)?.id === bucketId),
    wake: () => {
      for (const bucketId of [...retries.keys()]) enqueue(bucketId)
    },
    beginWith,
    outdated,
    idle: async () => {
      while (running.size > 0) await Promise.all(running.values())
    },
    close: async () => {
      stop.abort()
      for (const timer of retries.values()) clearTimeout(timer)
      await Promise.all(running.values())
    },
  }
}
