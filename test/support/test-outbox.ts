import type { Message } from '../../src/objects/outbox/options.ts'
import { openOutbox } from '../../src/objects/outbox/outbox.ts'
import { memoryStore } from '../../src/storage/metadata/memory-store.ts'
import { queuedMessages, queuedRows } from './outbox.ts'

export const SPACE = 18
export const NOW_MS = 1_700_000_000_000

export interface Sent extends Message {
  readonly bucket: string
  readonly key: string
  readonly n: number
  readonly late?: boolean
}

interface Options {
  readonly deliver: (sent: Sent, signal: AbortSignal) => Promise<void>
  readonly metadata?: ReturnType<typeof memoryStore>
  readonly retryMs?: number
  readonly target?: string
  /** Of what earlier runs left. */
  readonly latestMs?: number
}
let order = 0
/** An outbox for one target, whose messages `send` stores and tells of. */
export function outboxWith({
  deliver,
  metadata = memoryStore(),
  retryMs = 1,
  target = 'there',
  latestMs = 0,
}: Options) {
  const failures: unknown[] = []
  const outbox = openOutbox<Sent>({
    ...{ metadata, deliver, space: SPACE, targets: ['there'], latestMs, retryMs },
    clock: { now: () => NOW_MS },
    subject: ({ bucket, key, n, late = false }) => ({ bucket, key, id: n.toString(), mayComeLate: late }),
    words: { target: 'the target', message: 'a message', messages: 'messages' },
    onError: (error) => void failures.push(error),
  })
  const store = async (key: string, n: number, more: Partial<Sent> = {}) => {
    const message = { target, timeMs: NOW_MS, bucket: 'bucket', key, n, ...more }
    await metadata.commit([outbox.write(message, (order++).toString(16).padStart(16, '0'))])
  }
  const send = async (...of: Parameters<typeof store>) => {
    await store(...of)
    outbox.wake()
  }
  const left = async () => (await queuedMessages(metadata, SPACE)).length
  return { outbox, store, send, failures, metadata, left, rows: () => queuedRows(metadata, SPACE) }
}
