import { isStatus } from './api-error.ts'
import { call, callJson } from './http.ts'
import { type Session, sessionState } from './session.ts'

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
    sessionState.set({ status: 'signed-out' })
  }
}

export async function signOut(): Promise<void> {
  await call(PATH, { method: 'DELETE' }).catch((error: unknown) => {
    if (!isStatus(error, 401)) throw error
  })
  sessionState.set({ status: 'signed-out' })
}
