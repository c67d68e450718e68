import { random16, uuidFromBytes, uuidToBytes } from '../base/ids.ts'
import type { MetadataStore, Write } from '../storage/metadata/metadata-store.ts'
import { accessLogKey, type Logging, loggingFrom } from './access-log-target.ts'
import type { BucketKeys } from './bucket-keys.ts'
import type { Bucket } from './buckets.ts'
import type { Engine } from './engine.ts'
import { garbageKey, rowsUnder, SPACE } from './keyspace.ts'
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
  readonly close: () => Promise<void>
}

/** A log is delivered early at this size. */
const LOG_BYTES = 1024 * 1024
/** Lines that wait, of all buckets. More are dropped, and told of. */
const MAX_BYTES = 32 * 1024 * 1024
/** A row holds 64 KiB. */
const PIECE_BYTES = 48 * 1024
const CONTENT_TYPE = 'text/plain'

interface Pending {
  readonly source: Bucket
  readonly logging: Logging
  /** Of its first line. */
  readonly timeMs: number
  lines: string[]
  bytes: number
}

export function openAccessLogs(options: {
  readonly engine: Engine
  readonly keys: BucketKeys
  readonly settings: AccessLogOptions
  readonly onError: (error: unknown) => void
}): AccessLogs {
  const { engine, keys, settings, onError } = options
  const { metadata, buckets, documents, clock } = engine
  const pending = new Map<string, Pending>()
  let waitingBytes = 0
  let dropped = 0

  const deliver = async (log: Pending): Promise<void> => {
    const bucket = buckets.find(log.logging.targetBucket)
    // S3: what has nowhere to go is lost.
    if (!bucket || bucket.serviceInstanceCrn !== log.source.serviceInstanceCrn) return
    const body = Buffer.from(`${log.lines.join('\n')}\n`, 'utf8')
    const stream = (async function* () {
      yield body
    })()
    await putObject(engine, keys, {
      bucket,
      key: accessLogKey(log.logging, {
        ...{ source: log.source, eventTimeMs: log.timeMs, deliveryTimeMs: clock.now() },
        region: settings.region,
      }),
      body: { stream, lengthBytes: body.length },
      attributes: { headers: { 'content-type': CONTENT_TYPE }, userMetadata: {} },
      conditions: {},
      properties: log.logging.acl === undefined ? {} : { acl: log.logging.acl },
    })
  }

  /** What could not be delivered waits on, before what came meanwhile. */
  const putBack = (id: string, log: Pending): void => {
    const later = pending.get(id)
    if (later) log.lines.push(...later.lines)
    pending.set(id, { ...log, bytes: log.bytes + (later?.bytes ?? 0) })
  }

  const take = (): [string, Pending][] => {
    const all = [...pending]
    pending.clear()
    return all
  }

  const flushAll = async (onFailure: (id: string, log: Pending, error: unknown) => Promise<void>): Promise<void> => {
    for (const [id, log] of take()) {
      try {
        await deliver(log)
        waitingBytes -= log.bytes
      } catch (error) {
        await onFailure(id, log, error)
      }
    }
    if (dropped > 0) onError(new Error(`lines of access logs that could not be delivered were dropped: ${dropped}`))
    dropped = 0
  }

  let running: Promise<void> = takeBack(metadata, engine, add).catch(onError)
  const inTurn = (work: () => Promise<void>): Promise<void> => {
    running = running.then(work).catch(onError)
    return running
  }
  const flush = (): Promise<void> =>
    inTurn(() =>
      flushAll(async (id, log, error) => {
        putBack(id, log)
        onError(error)
      }),
    )

  function add(source: Bucket, line: string, timeMs: number): void {
    const logging = loggingFrom(documents.get(source, 'logging'))
    if (!logging) return
    const bytes = Buffer.byteLength(line) + 1
    if (waitingBytes + bytes > MAX_BYTES) {
      dropped++
      return
    }
    const day = logging.partitionedBy === 'EventTime' ? Math.floor(timeMs / 86_400_000) : ''
    const id = [source.id, day, logging.targetBucket, logging.targetPrefix, logging.partitionedBy].join('\n')
    const log = pending.get(id) ?? { source, logging, timeMs, lines: [], bytes: 0 }
    log.lines.push(line)
    log.bytes += bytes
    waitingBytes += bytes
    pending.set(id, log)
    if (log.bytes >= LOG_BYTES) void flush()
  }

  const timer = setInterval(() => void flush(), settings.intervalMs)
  timer.unref()

  return {
    target: (bucket) => loggingFrom(documents.get(bucket, 'logging')),
    add,
    flush,
    close: async () => {
      clearInterval(timer)
      await inTurn(() => flushAll((_, log) => store(engine, log)))
    },
  }
}

/** `u64 time ‖ random` → bucket id ‖ lines: lines that were not delivered before the end. */
async function store({ metadata, clock }: Engine, { source, lines }: Pending): Promise<void> {
  let piece: string[] = []
  const write = async (): Promise<void> => {
    if (piece.length === 0) return
    const value = Buffer.concat([uuidToBytes(source.id), Buffer.from(piece.join('\n'), 'utf8')])
    await metadata.commit([{ type: 'put', space: SPACE.accessLog, key: garbageKey(clock.now(), random16()), value }])
    piece = []
  }
  let bytes = 0
  for (const line of lines) {
    bytes += Buffer.byteLength(line) + 1
    if (bytes > PIECE_BYTES) {
      await write()
      bytes = Buffer.byteLength(line) + 1
    }
    piece.push(line)
  }
  await write()
}

/** Lines of the last run. They are in memory again, and stored again should this run not deliver them either. */
async function takeBack(metadata: MetadataStore, { buckets, clock }: Engine, add: AccessLogs['add']): Promise<void> {
  const page = 20
  const { lt } = rowsUnder(Buffer.from([0]))
  for (;;) {
    const rows = await metadata.range(SPACE.accessLog, { gte: Buffer.alloc(0), lt, limit: page })
    if (rows.length === 0) return
    const byId = new Map(buckets.all().map((bucket) => [bucket.id, bucket]))
    for (const { value } of rows) {
      const bucket = byId.get(uuidFromBytes(value.subarray(0, 16)))
      if (!bucket) continue
      for (const line of value.toString('utf8', 16).split('\n')) add(bucket, line, clock.now())
    }
    await metadata.commit(rows.map(({ key }): Write => ({ type: 'delete', space: SPACE.accessLog, key })))
  }
}
