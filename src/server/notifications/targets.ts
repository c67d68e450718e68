import type { NotificationOptions } from '../../objects/notifications/notifications.ts'
import type { Config } from '../settings.ts'
import { natsPublisher } from './nats.ts'
import { webhooks } from './webhooks.ts'

export interface NotificationTargets extends Pick<NotificationOptions, 'targets' | 'deliver'> {
  /** `<name>:<kind>`, as ARNs of them end. */
  readonly arns: readonly string[]
  readonly close: () => Promise<void>
}

/** Whom the settings let buckets notify. */
export function notificationTargets(config: Config): NotificationTargets {
  const [hooks, subjects, region] = [config['s3.webhooks'], config['s3.nats-targets'], config['s3.region']]
  const told = webhooks(hooks, { token: config['s3.webhook-token'], region })
  const nats = natsPublisher(subjects, { credentials: config['s3.nats-credentials'], region })
  const published = new Set(subjects.map(({ name }) => name))
  return {
    targets: [...hooks, ...subjects].map(({ name }) => name),
    arns: [...hooks.map(({ name }) => `${name}:webhook`), ...subjects.map(({ name }) => `${name}:nats`)],
    deliver: (event) => (published.has(event.target) ? nats.deliver(event) : told(event)),
    close: nats.close,
  }
}
