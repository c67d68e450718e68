import { mainAccount } from './bootstrap.ts'
import type { RawS3Reply } from './raw-s3.ts'
import { type PlainRequest, sendPlain } from './send.ts'

export const mainAccessKey = {
  accessKeyId: mainAccount.user.accessKeyId,
  secretAccessKey: mainAccount.user.secretAccessKey,
}
export const mainApiKey = { apiKey: mainAccount.user.apiKey }

/** What a browser at the console sends, without the browser. */
export interface ConsoleClient {
  readonly cookie: string
  readonly csrfToken: string
  /** As a page of the console does. */
  readonly send: (request: PlainRequest) => Promise<RawS3Reply>
}

/** Of the port: a browser sends the cookies of a host to all of its ports. */
export const sessionCookieAt = (controlUrl: string, id: string): string =>
  `coffer_session_${new URL(controlUrl).port}=${id}`

export async function signInAt(controlUrl: string, credentials: object = mainAccessKey): Promise<ConsoleClient> {
  const reply = await postSession(controlUrl, credentials)
  if (reply.status !== 200) throw new Error(`sign-in answered ${reply.status}: ${reply.body}`)
  const cookie = String(reply.headers['set-cookie']).split(';', 1)[0] ?? ''
  const { csrfToken } = JSON.parse(String(reply.body))
  return {
    cookie,
    csrfToken,
    send: (request) =>
      sendPlain(controlUrl, {
        ...request,
        headers: {
          cookie,
          'sec-fetch-site': 'same-origin',
          ...(request.method === 'GET' || request.method === 'HEAD' ? {} : { 'x-coffer-csrf': csrfToken }),
          ...request.headers,
        },
      }),
  }
}

export const postSession = (
  controlUrl: string,
  credentials: object,
  headers: Readonly<Record<string, string>> = {},
): Promise<RawS3Reply> =>
  sendPlain(controlUrl, {
    ...{ method: 'POST', target: '/ui/session', body: JSON.stringify(credentials) },
    headers: { 'content-type': 'application/json', 'sec-fetch-site': 'same-origin', ...headers },
  })
