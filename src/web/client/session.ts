import { createStore } from './store.ts'

export interface Instance {
  readonly guid: string
  readonly crn: string
  readonly service: 'cloud-object-storage' | 'kms'
  readonly name: string
  readonly region: string
}

/** Who is signed in, and at what. */
export interface Session {
  readonly user: {
    readonly iamId: string
    readonly type: 'user' | 'service-id'
    readonly name: string
    readonly email: string
    /** Of a user of AWS's kind. */
    readonly arn?: string
  }
  readonly account: { readonly id: string; readonly name: string }
  readonly signedInBy: 'access-key' | 'api-key' | 'oidc'
  readonly accessKeyId?: string
  readonly instances: readonly Instance[]
  readonly csrfToken: string
  readonly s3: { readonly url: string; readonly region: string } | undefined
  /** Whether this process has the objects, and the keys. */
  readonly halves: { readonly objects: boolean; readonly keys: boolean }
  /** How the identity provider is called that people can sign in with. */
  readonly sso?: string
  readonly version: string
  readonly idleMinutes: number
  readonly expiresAt: string
}

/** `unknown`: nobody has asked yet. `expired`: somebody was signed in and is to sign in again; what they were at is kept. */
export type SessionState =
  | { readonly status: 'unknown' }
  | {
      readonly status: 'signed-out'
      readonly sso?: string | undefined
      /** Where whoever has just signed out here is still signed in: the identity provider ends it there. */
      readonly endsAt?: string | undefined
    }
  | { readonly status: 'signed-in' | 'expired'; readonly session: Session }

export const sessionState = createStore<SessionState>({ status: 'unknown' })

/** Of whoever is signed in, or was a moment ago. Throws when nobody is: pages are shown to those who are. */
export function session(): Session {
  const state = sessionState.get()
  if ('session' in state) return state.session
  throw new Error('nobody is signed in')
}

/** Users of two accounts may have one name. */
export const ownerOf = ({ account, user }: Session): string => `${account.id}/${user.iamId}`

export const keyInstances = (): readonly Instance[] => session().instances.filter(({ service }) => service === 'kms')
export const objectInstances = (): readonly Instance[] =>
  session().instances.filter(({ service }) => service === 'cloud-object-storage')

/** Resolves when somebody is signed in again, rejects when they leave instead. */
export function signedInAgain(): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const stop = sessionState.subscribe(({ status }) => {
    if (status === 'expired' || status === 'unknown') return
    stop()
    if (status === 'signed-in') resolve()
    else reject(new Error('signed out'))
  })
  return promise
}

export function markExpired(): void {
  const state = sessionState.get()
  if (state.status === 'signed-in') sessionState.set({ status: 'expired', session: state.session })
  else if (state.status === 'unknown') sessionState.set({ status: 'signed-out' })
}

/** How the identity provider is called that somebody can sign in with; undefined: there is none. */
export function ssoName(): string | undefined {
  const state = sessionState.get()
  if ('session' in state) return state.session.sso
  return state.status === 'signed-out' ? state.sso : undefined
}

/** Nobody is signed in any more. What was kept for whoever was, in this page, goes. */
export function leave(endsAt?: string): void {
  window.sessionStorage.clear()
  sessionState.set({ status: 'signed-out', sso: ssoName(), endsAt })
}
