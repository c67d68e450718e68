import { isStatus } from './api-error.ts'
import { callJson } from './http.ts'
import { textOf } from './json.ts'
import { type Session, sessionState, ssoName } from './session.ts'

export type Credentials =
  | { readonly accessKeyId: string; readonly secretAccessKey: string }
  | { readonly apiKey: string }

const PATH = '/ui/session'

/** Throws ApiError: `SignInRefused` when they are not known, `TooManyRequests`. */
export async function signIn(credentials: Credentials): Promise<void> {
  const session = await callJson(PATH, { method: 'POST', json: credentials })
  sessionState.set({ status: 'signed-in', session: session as Session })
}

/** Who is signed in, for a page that has just been opened. */
export async function findSession(): Promise<void> {
  try {
    sessionState.set({ status: 'signed-in', session: (await callJson(PATH)) as Session })
  } catch (error) {
    if (!isStatus(error, 401)) throw error
    const { sso } = (await callJson(`${PATH}/ways`)) as { readonly sso?: string }
    sessionState.set({ status: 'signed-out', sso })
  }
}

/** Where somebody says to the identity provider who they are, to come back to this page. */
export const ssoLink = (to: string): string => `${PATH}/oidc?${new URLSearchParams({ to })}`

/** Somebody whose session has ended may have signed in again in another window. */
export async function findSessionAgain(): Promise<void> {
  const response = await fetch(PATH, { credentials: 'same-origin', cache: 'no-store' }).catch(() => undefined)
  if (response?.ok !== true || sessionState.get().status !== 'expired') return
  sessionState.set({ status: 'signed-in', session: (await response.json()) as Session })
}

export async function signOut(): Promise<void> {
  const answer = await callJson(PATH, { method: 'DELETE' }).catch((error: unknown) => {
    if (!isStatus(error, 401)) throw error
  })
  sessionState.set({ status: 'signed-out', sso: ssoName(), endsAt: textOf(answer, 'endsAt') || undefined })
}
