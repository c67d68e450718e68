import { hash } from 'node:crypto'

/** What a signature vouched for, as long as its key is one of ours: nothing of what its identity may do. */
export interface VerifiedToken<Claims> {
  readonly claims: Claims
  /** Key id that verified it. */
  readonly kid: string
  readonly expiresAtSeconds: number
}

/** Signatures that were good, by the hash of the whole token: one does not become bad but with its key and its time. */
export interface VerifiedTokens<Claims> {
  readonly get: (jwt: string) => VerifiedToken<Claims> | undefined
  /** Forgets the one that was asked for the longest ago when there are too many. */
  readonly add: (jwt: string, token: VerifiedToken<Claims>) => void
  readonly remove: (jwt: string) => void
}

/** About a kilobyte each. */
const MAX_TOKENS = 4096

/** Only good tokens get in, so nobody without one can push others out. */
export function createVerifiedTokens<Claims>(maxTokens: number = MAX_TOKENS): VerifiedTokens<Claims> {
  const tokens = new Map<string, VerifiedToken<Claims>>()
  const nameOf = (jwt: string): string => hash('sha256', jwt, 'base64')
  return {
    get: (jwt) => {
      const name = nameOf(jwt)
      const found = tokens.get(name)
      if (found && tokens.delete(name)) tokens.set(name, found)
      return found
    },
    add: (jwt, token) => {
      tokens.set(nameOf(jwt), token)
      const [oldest] = tokens.keys()
      if (tokens.size > maxTokens && oldest !== undefined) tokens.delete(oldest)
    },
    remove: (jwt) => void tokens.delete(nameOf(jwt)),
  }
}
