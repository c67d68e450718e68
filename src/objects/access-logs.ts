import { random16, uuidFromBytes, uuidToBytes } from '../base/ids.ts'
import { type DamagedRow, rangeWithDamaged } from '../storage/metadata/damaged-rows.ts'
import type { Entry, Write } from '../storage/metadata/metadata-store.ts'
import { accessLogKey, type Logging, loggingOf } from './access-log-target.ts'
import type { BucketKeys } from './bucket-keys.ts'
import type { Bucket } from './buckets.ts'
import type { Engine } from './engine.ts'
import { garbageKey, rowsUnder, SPACE, timeOfGarbage } from './keyspace.ts'
import { putObject } from './put-object.ts'

export interface AccessLogOptions {
  /** What was asked of a bucket is delivered so often. */
  readonly intervalMs: number
  /** For the names of the logs. */
  readonly region: string
}

export const DEFAULT_ACCESS_LOGS: AccessLogOptions = { intervalMs: 300_000, region: 'us-east-1' }

/**
 * Lines about what was asked of buckets, on their way to the buckets that keep them. They wait in memory; a normal stop
 * loses none: what cannot be delivered then, because a key is refused, say, is stored and delivered after the next start.
 */
export interface AccessLogs {
  /** Where the log of a bucket goes; undefined: nobody wants it. */
  readonly target: (bucket: Pick<Bucket, 'id'>) => Logging | undefined
  /** A line without its line feed, of something that happened at this time. */
  readonly add: (bucket: Bucket, line: string, timeMs: number) => void
  /** Delivers what there is. */
  readonly flush: () => Promise<void>
  /** Of lines that wait. */
  readonly waitingBytes: () => number
  /** Lines that could not be delivered, since the process began. */
  readonly droppedLines: () => number
  readonly close: () => Promise<void>
}

/** A log is delivered early at this size. */
const LOG_BYTES = 1024 * 1024
/** Lines that wait for one bucket to take them. More are dropped, and told of. */
const MAX_BYTES = 8 * LOG_BYTES
/** Lines that wait for any: what waits for the bucket that has the most gives way. */
const MAX_ALL_BYTES = 32 * LOG_BYTES
/** A row holds 64 KiB. */
const PIECE_BYTES = 48 * 1024
/** Of at most three bytes each, so that any line fits into a piece. No request makes a longer one. */
const MAX_LINE_CHARACTERS = 16 * 1024
const CONTENT_TYPE = 'text/plain'

/** Lines that become one object. */
interface Log {
  /** Of its first line. */
  readonly timeMs: number
  readonly lines: string[]
  bytes: number
}

interface Pending {
  readonly source: Bucket
  readonly logging: Logging
  /** In their order; lines come into the last one. */
  readonly logs: Log[]
  /** The latest could not be delivered: it waits for its time. */
  refused: boolean
}

export function openAccessLogs(options: {
  readonly engine: Engine
  readonly keys: BucketKeys
  readonly settings: AccessLogOptions
  readonly onError: (error: unknown) => void
}): AccessLogs {
  const { engine, keys, settings, onError } = options
  const { buckets, documents, clock } = engine
  const target = (bucket: Pick<Bucket, 'id'>): Logging | undefined => loggingOf(documents, bucket)
  const pending = new Map<string, Pending>()
  /** Bytes that wait, by target bucket. */
  const waiting = new Map<string, number>()
  let waitingBytes = 0
  let [dropped, allDropped] = [0, 0]
  const count = ({ targetBucket }: Logging, bytes: number): void => {
    waitingBytes += bytes
    const now = (waiting.get(targetBucket) ?? 0) + bytes
    if (now === 0) waiting.delete(targetBucket)
    else waiting.set(targetBucket, now)
  }

  const deliver = async ({ source, logging }: Pending, log: Log): Promise<void> => {
    const bucket = buckets.find(logging.targetBucket)
    // S3: what has nowhere to go is lost.
    if (!bucket || bucket.serviceInstanceCrn !== source.serviceInstanceCrn) return
    const body = Buffer.from(`${log.lines.join('\n')}\n`, 'utf8')
    const stream = (async function* () {
      yield body
    })()
    await putObject(engine, keys, {
      bucket,
      key: accessLogKey(logging, {
        ...{ source, eventTimeMs: log.timeMs, deliveryTimeMs: clock.now() },
        region: settings.region,
      }),
      body: { stream, lengthBytes: body.length },
      attributes: { headers: { 'content-type': CONTENT_TYPE }, userMetadata: {} },
      conditions: {},
      properties: logging.acl === undefined ? {} : { acl: logging.acl },
    })
  }

  /** One log after another, until one is refused: that and what follows it wait on. `early`: only those that are full. */
  const deliverAll = async (id: string, of: Pending, early = false): Promise<void> => {
    for (let log = of.logs[0]; log && !(early && log.bytes < LOG_BYTES); log = of.logs[0]) {
      of.logs.shift()
      try {
        await deliver(of, log)
      } catch (error) {
        of.logs.unshift(log)
        of.refused = true
        throw error
      }
      of.refused = false
      count(of.logging, -log.bytes)
    }
    if (of.logs.length === 0) pending.delete(id)
  }

  const flushAll = async (onFailure: (of: Pending, error: unknown) => Promise<void>): Promise<void> => {
    for (const [id, of] of [...pending]) {
      try {
        await deliverAll(id, of)
      } catch (error) {
        // What becomes of the lines of one bucket is nothing to those of another.
        await onFailure(of, error).catch(onError)
      }
    }
    if (dropped > 0) onError(new Error(`lines of access logs that could not be delivered were dropped: ${dropped}`))
    allDropped += dropped
    dropped = 0
  }

  let running: Promise<void> = takeBack(engine, add, onError).catch(onError)
  const inTurn = (work: () => Promise<void>): Promise<void> => {
    running = running.then(work).catch(onError)
    return running
  }
  const flush = (): Promise<void> => inTurn(() => flushAll(async (_, error) => onError(error)))

  /** False: there is none. */
  const makeRoom = (target: string, bytes: number): boolean => {
    if ((waiting.get(target) ?? 0) + bytes > MAX_BYTES) return false
    while (waitingBytes + bytes > MAX_ALL_BYTES) {
      const [most] = [...waiting].reduce((a, b) => (b[1] > a[1] ? b : a))
      const victim = [...pending.values()].find(({ logging, logs }) => logging.targetBucket === most && logs.length > 0)
      const log = victim?.logs.pop()
      if (most === target || !victim || !log) {
        if (log) victim?.logs.push(log)
        return false
      }
      dropped += log.lines.length
      count(victim.logging, -log.bytes)
    }
    return true
  }

  function add(source: Bucket, whole: string, timeMs: number): void {
    const logging = target(source)
    if (!logging) return
    const line = whole.slice(0, MAX_LINE_CHARACTERS)
    const bytes = Buffer.byteLength(line) + 1
    if (!makeRoom(logging.targetBucket, bytes)) {
      dropped++
      return
    }
    const day = logging.partitionedBy === 'EventTime' ? Math.floor(timeMs / 86_400_000) : ''
    const id = [source.id, day, logging.targetBucket, logging.targetPrefix, logging.partitionedBy].join('\n')
    const of = pending.get(id) ?? { source, logging, logs: [], refused: false }
    pending.set(id, of)
    let log = of.logs.at(-1)
    if (!log || log.bytes >= LOG_BYTES) {
      log = { timeMs, lines: [], bytes: 0 }
      of.logs.push(log)
    }
    log.lines.push(line)
    log.bytes += bytes
    count(logging, bytes)
    if (log.bytes >= LOG_BYTES && !of.refused)
      void inTurn(async () => {
        if (!of.refused) await deliverAll(id, of, true)
      })
  }

  const timer = setInterval(() => void flush(), settings.intervalMs)
  timer.unref()

  return {
    target,
    add,
    flush,
    waitingBytes: () => waitingBytes,
    droppedLines: () => allDropped + dropped,
    close: async () => {
      clearInterval(timer)
      await inTurn(() => flushAll(({ source, logs }) => store(engine, source, logs)))
    },
  }
}

/** `u64 time of the first line ‖ random` → bucket id ‖ lines: lines that were not delivered before the end. */
async function store({ metadata }: Engine, source: Bucket, logs: readonly Log[]): Promise<void> {
  let pieces = 0
  for (const { timeMs, lines } of logs) {
    for (const piece of inPieces(lines)) {
      const value = Buffer.concat([uuidToBytes(source.id), Buffer.from(piece.join('\n'), 'utf8')])
      const random = random16()
      // Pieces of one millisecond stay in their order.
      random.writeUInt32BE(pieces++)
      await metadata.commit([{ type: 'put', space: SPACE.accessLog, key: garbageKey(timeMs, random), value }])
    }
  }
}

function* inPieces(lines: readonly string[]): Generator<readonly string[]> {
  let piece: string[] = []
  let bytes = 0
  for (const line of lines) {
    const more = Buffer.byteLength(line) + 1
    if (bytes + more > PIECE_BYTES && piece.length > 0) {
      yield piece
      piece = []
      bytes = 0
    }
    piece.push(line)
    bytes += more
  }
  if (piece.length > 0) yield piece
}

/** Lines of the last run. They are in memory again, and stored again should this run not deliver them either. */
async function takeBack(
  { metadata, buckets }: Engine,
  add: AccessLogs['add'],
  onError: (error: unknown) => void,
): Promise<void> {
  const page = 20
  const { lt } = rowsUnder(Buffer.from([0]))
  for (;;) {
    const rows: (Entry | DamagedRow)[] = await rangeWithDamaged(metadata, SPACE.accessLog, {
      ...{ gte: Buffer.alloc(0), lt },
      limit: page,
    })
    if (rows.length === 0) return
    const byId = new Map(buckets.all().map((bucket) => [bucket.id, bucket]))
    for (const row of rows) {
      if ('damage' in row) {
        onError(new Error('lines of an access log cannot be read and are dropped', { cause: row.damage }))
        continue
      }
      const bucket = byId.get(uuidFromBytes(row.value.subarray(0, 16)))
      if (!bucket) continue
      const timeMs = timeOfGarbage(row.key)
      for (const line of row.value.toString('utf8', 16).split('\n')) add(bucket, line, timeMs)
    }
    await metadata.commit(rows.map(({ key }): Write => ({ type: 'delete', space: SPACE.accessLog, key })))
  }
}
