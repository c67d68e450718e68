import { isStatus } from './api-error.ts'
import { callJson, SESSION } from './http.ts'
import { textOf } from './json.ts'
import { leave, ownerOf, type Session, sessionState } from './session.ts'

export type Credentials =
  | { readonly accessKeyId: string; readonly secretAccessKey: string }
  | { readonly apiKey: string }

/** Throws ApiError: `SignInRefused` when they are not known, `TooManyRequests`. */
export async function signIn(credentials: Credentials): Promise<void> {
  const session = await callJson(SESSION, { method: 'POST', json: credentials })
  enter(session as Session)
  pages.postMessage('changed')
}

/** Who is signed in, for a page that has just been opened. */
export async function findSession(): Promise<void> {
  try {
    enter((await callJson(SESSION)) as Session)
    pages.postMessage('changed')
  } catch (error) {
    if (!isStatus(error, 401)) throw error
    const { sso } = (await callJson(`${SESSION}/ways`)) as { readonly sso?: string }
    sessionState.set({ status: 'signed-out', sso })
  }
}

/** Where somebody says to the identity provider who they are, to come back to this page. */
export const ssoLink = (to: string): string => `${SESSION}/oidc?${new URLSearchParams({ to })}`

/** Whose page this is. */
let owner: string | undefined

/** Nothing that one person was at is shown to another, or asked again in their name: they get a page of their own. */
function enter(session: Session): void {
  owner ??= ownerOf(session)
  if (owner === ownerOf(session)) return sessionState.set({ status: 'signed-in', session })
  leave()
  setTimeout(() => window.location.reload())
}

/** The pages of this console in one browser have one cookie: who signs in or out in one of them does it in all. */
const pages = new BroadcastChannel('coffer-session')
pages.addEventListener('message', () => void followOthers())

async function followOthers(): Promise<void> {
  const response = await fetch(SESSION, { credentials: 'same-origin', cache: 'no-store' }).catch(() => undefined)
  if (response?.ok) enter((await response.json()) as Session)
  else if (response?.status === 401 && sessionState.get().status === 'signed-in') leave()
}

export async function signOut(): Promise<void> {
  const answer = await callJson(SESSION, { method: 'DELETE' }).catch((error: unknown) => {
    if (!isStatus(error, 401)) throw error
  })
  leave(textOf(answer, 'endsAt') || undefined)
  pages.postMessage('changed')
}
