import type { Clock } from '../../base/clock.ts'
import { createSerial } from '../../base/serial.ts'
import type { BucketKeys } from '../bucket-keys.ts'
import type { Bucket } from '../buckets.ts'
import type { Engine } from '../engine.ts'
import { ObjectsError } from '../errors.ts'
import { headKey } from '../keyspace.ts'
import { about } from './checking.ts'
import { type Finding, identityOf } from './finding.ts'
import type { KnownFindings } from './known-findings.ts'
import { noCounts, type VerifyCounts, verifyContents } from './verify-contents.ts'
import { verifyHistories } from './verify-index.ts'
import { verifyBucketRows } from './verify-rows.ts'

/** One look through the object versions and uploads of a bucket, or of what of it has a prefix. */
export interface BucketVerification {
  readonly bucket: string
  readonly prefix: string
  /** Also hashes what takes long to hash: MD5 and SHA. */
  readonly checksums: boolean
  /** `waiting`: others are looked through first. `failed`: the log says why. */
  readonly state: 'waiting' | 'running' | 'ended' | 'stopped' | 'failed'
  readonly startedAtMs: number
  readonly finishedAtMs: number | undefined
  readonly counts: VerifyCounts
  /** Of stored bytes. */
  readonly bytesRead: number
  readonly findings: readonly Finding[]
  /** Findings beyond those. */
  readonly notKept: number
}

export interface WhatToVerify {
  readonly prefix: string
  readonly checksums: boolean
}

/** Looks that people ask for, one after the other. What they find is told by the scrub as well. */
export interface BucketVerifications {
  /** The one that is under way when it is the same. Throws BucketBusy when it is another. */
  readonly start: (bucket: Bucket, what: WhatToVerify) => BucketVerification
  /** The latest since the process began. */
  readonly latest: (bucket: Bucket) => BucketVerification | undefined
  readonly stop: (bucket: Bucket) => BucketVerification | undefined
  readonly settled: () => Promise<void>
}

export interface BucketVerificationsOptions {
  readonly engine: Pick<Engine, 'metadata' | 'blobs' | 'buckets'>
  readonly keys: () => BucketKeys
  readonly clock: Clock
  readonly known: KnownFindings
  /** Of the scrub's latest look: what is met belongs to it. */
  readonly pass: () => number
  readonly maxFindings: number
  readonly pace: (bytes: number, signal: AbortSignal) => Promise<void>
  readonly signal: AbortSignal
  readonly onError: (error: unknown) => void
}

type Changing = { -readonly [Name in keyof BucketVerification]: BucketVerification[Name] } & {
  readonly findings: Finding[]
}

interface Look {
  readonly status: Changing
  readonly stop: AbortController
}

/** Of buckets whose latest look is told. */
const MAX_LOOKS = 1000

export function openBucketVerifications(options: BucketVerificationsOptions): BucketVerifications {
  const { engine, keys, clock, known, pass, maxFindings, pace, onError } = options
  const { metadata, blobs, buckets } = engine
  const inTurn = createSerial()
  const looks = new Map<string, Look>()
  const running = new Set<Promise<void>>()

  const isUnderWay = ({ status }: Look): boolean => status.finishedAtMs === undefined

  const verify = async (bucket: Bucket, { status, stop }: Look): Promise<void> => {
    const signal = AbortSignal.any([stop.signal, options.signal])
    const before = known.all().map(({ finding }) => finding)
    const wasKnown = new Set(before)
    const bySubject = Map.groupBy(before, subjectOf)
    const met = new Set<string>()
    const onFinding = (finding: Finding): void => {
      const name = identityOf(finding)
      if (met.has(name)) return
      met.add(name)
      known.meet(pass(), finding)
      if (status.findings.length < maxFindings) status.findings.push(finding)
      else status.notKept++
    }
    const { prefix, checksums, counts } = status
    const read = async (bytes: number): Promise<void> => {
      signal.throwIfAborted()
      status.bytesRead += bytes
      await pace(bytes, signal)
    }
    const under = headKey(bucket.id, prefix)
    try {
      signal.throwIfAborted()
      status.state = 'running'
      if (prefix === '') await verifyBucketRows({ metadata, buckets, clock }, onFinding, bucket)
      const ofContents = await verifyContents({
        ...{
          checking: { metadata, blobs, keys: keys(), checksums, pace: read },
          buckets,
          counts,
          under,
          signal,
          onFinding,
        },
        onClosed: (subject) => {
          for (const finding of bySubject.get(JSON.stringify(about(subject))) ?? []) onFinding(finding)
        },
        onProgress: known.store,
      })
      const pause = (): Promise<void> => pace(0, signal)
      const whole = ofContents && (await verifyHistories({ metadata, buckets, under, signal, onFinding, pause }))
      const others = known
        .all()
        .flatMap(({ finding }) => (isOf(finding, status) && !met.has(identityOf(finding)) ? [finding] : []))
      // What was not met again was put right, or is gone.
      if (whole) known.end(others.filter((finding) => !isForScrub(finding) && wasKnown.has(finding)))
      status.findings.push(...others.filter(isForScrub))
      status.state = whole ? 'ended' : 'stopped'
    } catch (error) {
      status.state = signal.aborted ? 'stopped' : 'failed'
      if (!signal.aborted) onError(error)
    } finally {
      status.finishedAtMs = clock.now()
      await known.store().catch(onError)
    }
  }

  return {
    start: (bucket, { prefix, checksums }) => {
      const now = looks.get(bucket.id)
      if (now && isUnderWay(now)) {
        if (now.status.prefix === prefix && now.status.checksums === checksums) return now.status
        const of = now.status.prefix === '' ? bucket.name : `${bucket.name}/${now.status.prefix}`
        throw new ObjectsError('BucketBusy', `Another verification of the bucket is under way, of ${of}.`)
      }
      const status: Changing = {
        ...{ bucket: bucket.name, prefix, checksums, state: 'waiting', startedAtMs: clock.now() },
        ...{ finishedAtMs: undefined, counts: noCounts(), bytesRead: 0, findings: [], notKept: 0 },
      }
      const look = { status, stop: new AbortController() }
      looks.delete(bucket.id)
      looks.set(bucket.id, look)
      for (const [id, one] of looks) {
        if (looks.size <= MAX_LOOKS) break
        if (!isUnderWay(one)) looks.delete(id)
      }
      const task = inTurn.run('', () => verify(bucket, look)).finally(() => running.delete(task))
      running.add(task)
      return status
    },
    latest: ({ id }) => looks.get(id)?.status,
    stop: ({ id }) => {
      const look = looks.get(id)
      look?.stop.abort()
      return look?.status
    },
    settled: async () => {
      while (running.size > 0) await Promise.all(running)
    },
  }
}

const subjectOf = ({ bucket, key, versionId, uploadId }: Finding): string =>
  JSON.stringify({ bucket, key, versionId, uploadId })

const isOf = ({ bucket, key }: Finding, of: BucketVerification): boolean =>
  bucket === of.bucket && (of.prefix === '' || (key ?? '').startsWith(of.prefix))

/** To find these all rows of the store are read. */
const isForScrub = ({ kind }: Finding): boolean => kind === 'owner-orphan' || kind === 'counter-wrong'
