import { once } from 'node:events'
import { createServer } from 'node:http'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { FLEETING, type KeyState, type Model } from './model.ts'

interface Told {
  readonly sequencer: string
  readonly removed: boolean
  readonly lengthBytes: number
}

/** A webhook that buckets notify: what it was told of each key, and whether that came in order. */
export interface EventReceiver extends AsyncDisposable {
  readonly settings: Readonly<Record<string, string>>
  readonly queueArn: string
  /** Waits until the newest event of every key of these buckets that is in one state tells of it; what does not come in time. */
  readonly missing: (model: Model, buckets: readonly string[]) => Promise<readonly string[]>
  /** Events that came after a later one of the same key, for the first time. */
  readonly disorder: () => readonly string[]
}

const WITHIN_MS = 40_000

export async function eventReceiver(): Promise<EventReceiver> {
  const latest = new Map<string, Told>()
  const known = new Set<string>()
  const disorder: string[] = []

  const take = (record: EventRecord): void => {
    const { object, bucket } = record.s3
    const name = `${bucket.name}/${decodeURIComponent(object.key.replaceAll('+', ' '))}`
    const told = {
      sequencer: object.sequencer,
      removed: !/^(s3:)?ObjectCreated:/.test(record.eventName),
      lengthBytes: object.size ?? 0,
    }
    const last = latest.get(name)
    const isLater = last === undefined || told.sequencer > last.sequencer
    if (!isLater && !known.has(told.sequencer)) {
      disorder.push(`${name}: ${record.eventName} ${told.sequencer} came after ${last.sequencer}`)
    }
    known.add(told.sequencer)
    if (isLater) latest.set(name, told)
  }
  const server = createServer((request, answer) => {
    text(request).then(
      (body) => {
        const message: { readonly Records?: readonly EventRecord[] } = JSON.parse(body)
        for (const record of message.Records ?? []) take(record)
        answer.end()
      },
      () => answer.destroy(),
    )
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw new Error('no port')

  const untold = (model: Model, buckets: readonly string[]): readonly string[] =>
    model.keys().flatMap(({ bucket, key, possible: [state, ...others] }) => {
      const told = latest.get(`${bucket}/${key}`)
      if (!buckets.includes(bucket) || others.length > 0 || key.startsWith(FLEETING) || tells(told, state)) return []
      return [
        `${bucket}/${key} is ${JSON.stringify(state ?? null)}, and the last event tells of ${JSON.stringify(told ?? null)}`,
      ]
    })

  return {
    settings: { COFFER_S3_WEBHOOKS: `events=http://127.0.0.1:${address.port}/` },
    queueArn: 'arn:coffer:sqs::events:webhook',
    missing: async (model, buckets) => {
      const deadline = performance.now() + WITHIN_MS
      for (;;) {
        const left = untold(model, buckets)
        if (left.length === 0 || performance.now() > deadline) return left
        await sleep(100)
      }
    },
    disorder: () => disorder.splice(0),
    [Symbol.asyncDispose]: async () => {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}

interface EventRecord {
  readonly eventName: string
  readonly s3: {
    readonly bucket: { readonly name: string }
    readonly object: { readonly key: string; readonly size?: number; readonly sequencer: string }
  }
}

const tells = (told: Told | undefined, state: KeyState): boolean =>
  state === undefined
    ? told === undefined || told.removed
    : told?.removed === false && told.lengthBytes === state.lengthBytes
