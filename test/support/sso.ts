import type { RawS3Reply } from './raw-s3.ts'
import { sendPlain } from './send.ts'

export const SSO_CLIENT = { id: 'coffer-console', secret: 'a secret: with & of=all +kinds%' }
export const SSO_CALLBACK = '/ui/session/oidc/callback'

/** Settings of a server whose console is at `publicUrl`. */
export const ssoSettings = (issuer: string, publicUrl: string): Readonly<Record<string, string>> => ({
  ...{ COFFER_CONTROL_PUBLIC_URL: publicUrl, COFFER_IAM_OIDC_HTTP_ISSUERS: issuer },
  ...{ COFFER_CONSOLE_OIDC_ISSUER: issuer, COFFER_CONSOLE_OIDC_CLIENT_ID: SSO_CLIENT.id },
  COFFER_CONSOLE_OIDC_CLIENT_SECRET: SSO_CLIENT.secret,
})

/** A browser that has pressed the button, before it goes to the provider. */
export interface SsoBegun {
  /** What it sends on its way back. */
  readonly cookie: string
  /** Of the provider, with what it is asked. */
  readonly url: URL
  readonly reply: RawS3Reply
}

/** `publicUrl`: what the browser has in its address bar. */
export async function beginSso(controlUrl: string, publicUrl: string = controlUrl, to = '/ui/'): Promise<SsoBegun> {
  const target = `/ui/session/oidc?${new URLSearchParams({ to })}`
  const headers = { host: new URL(publicUrl).host, 'sec-fetch-site': 'same-origin' }
  const reply = await sendPlain(controlUrl, { method: 'GET', target, headers })
  const cookie = String(reply.headers['set-cookie']?.[0]).split(';', 1)[0] ?? ''
  return { cookie, url: new URL(reply.headers.location ?? '', publicUrl), reply }
}

/** The browser comes back with an answer of the provider. */
export const finishSso = (
  controlUrl: string,
  cookie: string,
  answer: Readonly<Record<string, string>>,
  publicUrl: string = controlUrl,
): Promise<RawS3Reply> =>
  sendPlain(controlUrl, {
    ...{ method: 'GET', target: `${SSO_CALLBACK}?${new URLSearchParams(answer)}` },
    headers: { host: new URL(publicUrl).host, cookie, 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' },
  })
