import type { Clock } from '../base/clock.ts'
import { type Chain, chainFrom } from './chain.ts'
import type { AuditEvent } from './event.ts'
import { readPublicKeys, type SigningKey } from './keys.ts'
import { logCheck } from './log-check.ts'
import type { LogFiles } from './log-files.ts'

export interface WaitingEvent {
  readonly event: AuditEvent
  readonly atMs: number
}

/**
 * Makes lines durable, one call at a time. What a call could not write is kept, and the next one writes it first: the
 * chain has no way back.
 */
export interface LogWriter {
  readonly unsigned: () => number
  /** Is something kept that could not be written? */
  readonly unfinished: () => boolean
  /** Takes from the front of the queue what goes into one write; resolves to how many that were. */
  readonly events: (queue: WaitingEvent[]) => Promise<number>
  readonly record: (make: (chain: Chain) => string) => Promise<void>
  /** Signs all that is durable. */
  readonly sign: () => Promise<void>
  readonly close: () => Promise<void>
}

export interface LogWriterOptions {
  readonly directory: string
  readonly files: LogFiles
  readonly chain: Chain
  readonly key: SigningKey
  readonly clock: Clock
  readonly fileBytes: number
  readonly maxBytes: number
  readonly onTrouble: (message: string) => void
}

const MAX_EVENTS = 1000

export function logWriter(options: LogWriterOptions): LogWriter {
  const { files, key, clock, fileBytes, maxBytes } = options
  const check = logCheck({ ...options, keys: readPublicKeys(key.publicKeyPem) })
  let { chain } = options
  let unwritten = ''

  const finish = async (): Promise<void> => {
    if (unwritten === '') return
    await files.append(unwritten)
    unwritten = ''
  }
  const write = async (text: string): Promise<void> => {
    unwritten = text
    await finish()
  }
  // Only what is on the disk is signed: no crash can leave a checkpoint and tear off what it signs.
  const sign = async (): Promise<void> => {
    await finish()
    if (chain.unsigned() > 0) await write(chain.checkpoint(clock.now()))
  }
  const size = (): number => files.last()?.bytes ?? 0

  const rotate = async (): Promise<void> => {
    await sign()
    const next = chainFrom(chain.head(), 0, key)
    await files.next(next.head(), firstLines(next, (files.last()?.number ?? 0) + 1, clock.now()))
    chain = next
  }

  const stayInBounds = async (): Promise<void> => {
    const excess = files.totalBytes() - size() + Math.max(size(), fileBytes) - maxBytes
    if (excess <= 0 || !check.passed()) return
    const gone = files.oldest(excess)
    const through = files.after(gone)
    const last = gone.at(-1)
    if (last === undefined || through === undefined) return
    const bytes = gone.reduce((sum, file) => sum + file.bytes, 0)
    const place = { throughFile: last.number, throughSeq: through.seq, throughHash: through.hash }
    await write(chain.own({ type: 'dropped', ...place, files: gone.length, bytes }, clock.now()))
    await sign()
    await files.remove(gone)
  }

  const keepShape = async (): Promise<void> => {
    if (size() >= fileBytes) await rotate()
    await stayInBounds()
  }

  return {
    unsigned: () => chain.unsigned(),
    unfinished: () => unwritten !== '',
    events: async (queue) => {
      await finish()
      const room = fileBytes - size()
      let text = ''
      let taken = 0
      for (const { event, atMs } of queue) {
        text += chain.event(event, atMs)
        if (++taken === MAX_EVENTS || text.length >= room) break
      }
      queue.splice(0, taken)
      await write(text)
      await keepShape()
      return taken
    },
    record: async (make) => {
      await finish()
      await write(make(chain))
      await keepShape()
    },
    sign,
    close: async () => {
      await check.close()
      await files.close()
    },
  }
}

/** A file begins with its place in the chain, signed, so that each one stands for itself. */
export const firstLines = (
  chain: Chain,
  file: number,
  atMs: number,
  torn?: { bytes: number; sha256: string },
): string => chain.file({ file, ...(torn ? { torn } : {}) }, atMs) + chain.checkpoint(atMs)
