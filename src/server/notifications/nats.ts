import type { NatsConnection } from '@nats-io/transport-node'
import { eventMessage } from '../../api/s3/notifications/event-message.ts'
import type { NotificationOptions } from '../../objects/notifications/notifications.ts'
import type { NatsCredentials, NatsTarget } from './nats-target.ts'

const TIMEOUT_MS = 10_000

export interface NatsOptions {
  readonly credentials: ReadonlyMap<string, NatsCredentials> | undefined
  readonly region: string
  /** Until a stream has answered. */
  readonly timeoutMs?: number
}

/** Only who uses it waits for it at the start. */
const client = () => import('@nats-io/transport-node')

/**
 * Publishes to subjects of NATS servers, and takes nothing for told that no stream has acknowledged to keep. A repetition
 * has the id of the first time, so that the stream keeps it once. `close` ends the connections.
 */
export function natsPublisher(
  targets: readonly NatsTarget[],
  { credentials, region, timeoutMs = TIMEOUT_MS }: NatsOptions,
): { readonly deliver: NotificationOptions['deliver']; readonly close: () => Promise<void> } {
  const byName = new Map(targets.map((target) => [target.name, target]))
  const connections = new Map<string, Promise<NatsConnection>>()

  /** One that ended is not used again: the queue repeats what was not told, and connects anew. */
  const connection = (target: NatsTarget): Promise<NatsConnection> => {
    const known = connections.get(target.name)
    if (known !== undefined) return known
    const made = connectTo(target, credentials?.get(target.name))
    connections.set(target.name, made)
    const forget = (): void => {
      if (connections.get(target.name) === made) connections.delete(target.name)
    }
    made.then((open) => open.closed()).then(forget, forget)
    return made
  }

  return {
    deliver: async (event) => {
      const target = byName.get(event.target)
      if (!target) throw new Error(`there is no NATS target ${event.target}`)
      const { headers, TimeoutError } = await client()
      const open = await connection(target)
      const named = headers()
      named.set('Nats-Msg-Id', `${event.bucket.name}/${event.subscription}/${event.sequencer}`)
      if (event.traceparent !== undefined) named.set('traceparent', event.traceparent)
      try {
        const options = { timeout: timeoutMs, headers: named }
        assertKept(await open.request(target.subject, eventMessage(event, region), options))
      } catch (error) {
        // Perhaps nobody is at the other end any more.
        if (error instanceof TimeoutError) void open.close()
        throw error
      }
    },
    close: async () => {
      const all = [...connections.values()]
      await Promise.all(all.map((made) => made.then((open) => open.close()).catch(() => undefined)))
    },
  }
}

async function connectTo({ host, tls }: NatsTarget, credentials: NatsCredentials | undefined): Promise<NatsConnection> {
  const { connect } = await client()
  return connect({
    ...{ servers: host, name: 'coffer', timeout: TIMEOUT_MS, reconnect: false, ignoreClusterUpdates: true },
    ...(tls ? { tls: {} } : {}),
    ...(credentials ? { user: credentials.user, pass: credentials.password.reveal() } : {}),
  })
}

/** JetStream: `{"stream":…,"seq":…}`, or an error. Anybody else who answers keeps nothing. */
function assertKept(reply: { readonly string: () => string }): void {
  const text = reply.string()
  const answer: unknown = parsed(text)
  if (typeof answer === 'object' && answer !== null && 'stream' in answer && !('error' in answer)) return
  throw new Error(`no stream has kept it: ${text.slice(0, 200)}`)
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
