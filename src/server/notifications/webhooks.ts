import { eventMessage } from '../../api/s3/notifications/event-message.ts'
import type { Secret } from '../../base/secret.ts'
import type { NotificationOptions } from '../../objects/notifications/notifications.ts'

export interface Webhook {
  readonly name: string
  readonly url: string
}

const TIMEOUT_MS = 10_000

/** Tells a webhook by POST, in JSON. Whatever it answers but success means that it did not take it. */
export function webhooks(
  hooks: readonly Webhook[],
  { token, region }: { readonly token: Secret | undefined; readonly region: string },
): NotificationOptions['deliver'] {
  const byName = new Map(hooks.map(({ name, url }) => [name, url]))
  return async (event) => {
    const url = byName.get(event.target)
    if (url === undefined) throw new Error(`there is no webhook ${event.target}`)
    const reply = await fetch(url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...(event.traceparent === undefined ? {} : { traceparent: event.traceparent }),
        ...(token === undefined ? {} : { authorization: `Bearer ${token.reveal()}` }),
      },
      body: eventMessage(event, region),
      // A token is for who was named.
      redirect: 'error',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    })
    await reply.body?.cancel()
    if (!reply.ok) throw new Error(`the webhook ${event.target} answered ${reply.status}`)
  }
}
