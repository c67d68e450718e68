import type { NotificationTargetFace } from '../../api/admin/context.ts'
import type { QueuedEvent } from '../../objects/notifications/event.ts'
import type { NotificationOptions } from '../../objects/notifications/notifications.ts'
import { deliveries, type Traced } from '../../observe/tracing.ts'
import type { Config } from '../settings.ts'
import { natsPublisher } from './nats.ts'
import { webhooks } from './webhooks.ts'

export interface NotificationTargets extends Pick<NotificationOptions, 'targets' | 'deliver'> {
  /** `<name>:<kind>`, as ARNs of them end. */
  readonly arns: readonly string[]
  readonly faces: readonly NotificationTargetFace[]
  readonly close: () => Promise<void>
}

/** Whom the settings let buckets notify. */
export function notificationTargets(config: Config): NotificationTargets {
  const [hooks, subjects, region] = [config['s3.webhooks'], config['s3.nats-targets'], config['s3.region']]
  const told = webhooks(hooks, { token: config['s3.webhook-token'], region })
  const nats = natsPublisher(subjects, { credentials: config['s3.nats-credentials'], region })
  const faces = [
    // Paths of webhooks are often secret.
    ...hooks.map(({ name, url }) => ({ name, kind: 'webhook', host: new URL(url).host }) as const),
    ...subjects.map(({ name, host }) => ({ name, kind: 'nats', host }) as const),
  ]
  const published = new Set(subjects.map(({ name }) => name))
  return {
    targets: [...hooks, ...subjects].map(({ name }) => name),
    arns: faces.map(({ name, kind }) => `${name}:${kind}`),
    faces,
    deliver: (event) => {
      const [deliver, kind] = published.has(event.target) ? [nats.deliver, 'nats'] : [told, 'webhook']
      if (!deliveries.hasSubscribers) return deliver(event)
      const traced = tracedDelivery(event, kind)
      return deliveries.tracePromise(() => deliver(withTrace(event, traced)), traced)
    },
    close: nats.close,
  }
}

const tracedDelivery = (event: QueuedEvent, kind: string): Traced => ({
  name: `notify ${event.target}`,
  requestId: event.requestId === '' ? undefined : event.requestId,
  traceparent: event.traceparent,
  attributes: {
    'messaging.operation.type': 'send',
    'messaging.destination.name': event.target,
    'coffer.notification.kind': kind,
    'aws.s3.bucket': event.bucket.name,
  },
})

const withTrace = (event: QueuedEvent, { traceparent }: Traced): QueuedEvent =>
  traceparent === undefined ? event : { ...event, traceparent }
