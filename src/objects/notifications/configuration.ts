import type { Json } from '../bucket-document.ts'

export type DestinationKind = 'queue' | 'topic' | 'function'

/** Who is told of what happens to the objects of a bucket. */
export type Subscription = {
  readonly id: string
  readonly kind: DestinationKind
  /** As the client gave it; it names the target. */
  readonly arn: string
  /** Of the settings. */
  readonly target: string
  /** Without `s3:`; the last part may be `*`. */
  readonly events: readonly string[]
  readonly prefix?: string
  readonly suffix?: string
}

/** The document `notification` of a bucket. */
export type NotificationConfiguration = { readonly subscriptions: readonly Subscription[] }

/** What is stored was written as one, and its row authenticated. */
export const notificationsFrom = (document: Json | undefined): NotificationConfiguration | undefined =>
  document as NotificationConfiguration | undefined

export const coversEvent = (wanted: string, event: string): boolean =>
  wanted.endsWith('*') ? event.startsWith(wanted.slice(0, -1)) : wanted === event

export const wants = ({ events, prefix = '', suffix = '' }: Subscription, event: string, key: string): boolean =>
  key.startsWith(prefix) && key.endsWith(suffix) && events.some((one) => coversEvent(one, event))
