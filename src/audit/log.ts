import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'
import type { Clock } from '../base/clock.ts'
import { CodedError } from '../base/errors.ts'
import type { AuditErrorCode, AuditTrail } from '../observe/audit-trail.ts'
import { type DiskFs, nodeFs } from '../storage/blob/disk-fs.ts'
import { isNoSpace } from '../storage/errno.ts'
import type { AuditEvent } from './event.ts'
import type { SigningKey } from './keys.ts'
import { openLogFiles } from './log-files.ts'
import { type LogWriter, logWriter, type WaitingEvent } from './log-writer.ts'
import { resumeChain } from './resume-chain.ts'

/** The audit log of one server, written by one process. Format and promises: docs/audit-log.md. */
export interface AuditLog extends AuditTrail<AuditEvent> {
  /** False while the disk takes no more of it. */
  readonly writable: () => boolean
  /** Resolves when there is more of it than now, or nothing more will come. */
  readonly grown: () => Promise<void>
  /** All that was recorded is durable and signed when it resolves, unless the disk does not take it. */
  readonly close: () => Promise<void>
}

export interface AuditLogOptions {
  readonly directory: string
  readonly key: SigningKey
  readonly clock: Clock
  /** A file of this size is followed by the next one. */
  readonly fileBytes: number
  /** Of all files together; the oldest ones are removed to stay below. At least two files' worth. */
  readonly maxBytes: number
  /** The disk failed in a way that leaves unknown what is on it: the process should end and be started again. */
  readonly onFailure: (error: Error) => void
  /** For the operator: the disk is full, the log was changed while nobody wrote it. */
  readonly onTrouble: (message: string) => void
  /** Told whether `ready` would throw, whenever that may have changed. */
  readonly onReady?: (isReady: boolean) => void
  readonly disk?: DiskFs
  readonly timing?: Partial<AuditTiming>
}

export interface AuditTiming {
  /** Events wait this long for others to be written with. */
  readonly flushMs: number
  /** Lines stay unsigned no longer than this, */
  readonly signMs: number
  /** and no more of them than this. */
  readonly signLines: number
  /** After the disk was full. */
  readonly retryMs: number
}

const TIMING: AuditTiming = { flushMs: 250, signMs: 10_000, signLines: 1000, retryMs: 1000 }

/** Events in memory that wait for the disk: some 50 MB. */
const MAX_WAITING = 100_000

/** Throws AuditLogDamaged, and what the disk throws. */
export async function openAuditLog(options: AuditLogOptions): Promise<AuditLog> {
  const { directory, key, clock, onTrouble, disk = nodeFs } = options
  const files = await openLogFiles(directory, disk)
  const { chain, unsigned, checked } = await resumeChain(files, key, clock, onTrouble)
  const writer = logWriter({ ...options, files, chain })
  await writer.record((at) => at.own({ type: 'start', unsigned }, clock.now()))
  await writer.sign()
  return auditLog(writer, checked, options)
}

interface Waiter {
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

function auditLog(
  writer: LogWriter,
  checked: Promise<void>,
  { clock, onFailure, onTrouble, onReady = () => {}, timing }: AuditLogOptions,
): AuditLog {
  const { flushMs, signMs, signLines, retryMs } = { ...TIMING, ...timing }
  const waiting: WaitingEvent[] = []
  let waiters: Waiter[] = []
  let [lost, signedAt] = [0, performance.now()]
  let state: 'open' | 'full' | 'failed' | 'closed' = 'open'
  let [flushTimer, signTimer]: (NodeJS.Timeout | undefined)[] = []
  let running: Promise<void> | undefined
  let growth = Promise.withResolvers<void>()

  const isReady = (): boolean => state === 'open' && waiting.length < MAX_WAITING
  const tellReady = (): void => onReady(isReady())
  tellReady()

  const tellGrowth = (): void => {
    growth.resolve()
    growth = Promise.withResolvers()
  }

  const signDue = (): boolean =>
    writer.unsigned() >= signLines || (writer.unsigned() > 0 && performance.now() - signedAt >= signMs)

  /** All that waits now, and then a signature if somebody waits for it or it is time. */
  const write = async (sign: boolean): Promise<void> => {
    if (lost > 0) {
      const events = lost
      lost = 0
      await writer.record((chain) => chain.own({ type: 'lost', events }, clock.now()))
    }
    // What comes meanwhile is for the next time: else nobody would ever be told while more comes than a write takes.
    for (let left = waiting.length; left > 0; ) left -= await writer.events(waiting)
    if (!sign && !signDue()) return
    await writer.sign()
    signedAt = performance.now()
  }

  const serve = async (): Promise<void> => {
    const served = waiters
    waiters = []
    try {
      await write(served.length > 0)
      if (state === 'full') state = 'open'
      tellGrowth()
      for (const { resolve } of served) resolve()
    } catch (error) {
      for (const { reject } of served) reject(unavailable(error))
      if (!isNoSpace(error)) throw error
      if (state === 'open') onTrouble(FULL)
      state = 'full'
    } finally {
      tellReady()
    }
  }

  const drain = async (): Promise<void> => {
    // All that happens in one turn is written together.
    await nextTurn()
    while (waiting.length > 0 || waiters.length > 0 || writer.unfinished() || signDue()) {
      await serve()
      if (state === 'full') await sleep(retryMs, undefined, { ref: false })
      if (state === 'closed') return
    }
  }

  const fail = (error: unknown): void => {
    state = 'failed'
    tellReady()
    for (const { reject } of waiters) reject(unavailable(error))
    waiters = []
    onFailure(error instanceof Error ? error : new Error('the audit log failed', { cause: error }))
  }

  const kick = (): void => {
    clearTimeout(flushTimer)
    clearTimeout(signTimer)
    flushTimer = undefined
    signTimer = undefined
    if (state === 'failed' || state === 'closed') return
    running ??= drain()
      .catch(fail)
      .finally(() => {
        running = undefined
        if (waiting.length > 0 || waiters.length > 0) kick()
        else if (writer.unsigned() > 0) signTimer = setTimeout(kick, signMs).unref()
      })
  }

  return {
    ready: () => {
      if (!isReady()) throw unavailable()
    },
    writable: () => state === 'open',
    grown: () => growth.promise,
    record: (event) => {
      if (waiting.length >= MAX_WAITING) return void lost++
      waiting.push({ event, atMs: clock.now() })
      if (waiting.length === MAX_WAITING) tellReady()
      if (running === undefined) flushTimer ??= setTimeout(kick, flushMs).unref()
    },
    settled: () =>
      new Promise((resolve, reject) => {
        if (state !== 'open') return reject(unavailable())
        waiters.push({ resolve, reject })
        kick()
      }),
    close: async () => {
      kick()
      while (running !== undefined && state === 'open') await running
      try {
        if (state === 'open') {
          await writer.record((chain) => chain.own({ type: 'stop' }, clock.now()))
          await writer.sign()
        }
      } catch (error) {
        onTrouble(`the end of the audit log could not be written: ${error instanceof Error ? error.message : ''}`)
      }
      state = 'closed'
      tellReady()
      tellGrowth()
      clearTimeout(signTimer)
      await checked
      await writer.close()
    },
  }
}

const FULL =
  'THE AUDIT LOG CANNOT BE WRITTEN: there is no space on its disk. Until there is, no key is used and nothing is changed'

const unavailable = (cause?: unknown): CodedError<AuditErrorCode> =>
  new CodedError('AuditUnavailable', 'the audit log takes no records now', cause === undefined ? {} : { cause })
