import { newSecret } from '../../base/secrets.ts'
import type { Principal } from '../../iam/principal.ts'

/**
 * How the console's gate says to an API who asks: a bearer token that lives as long as one request of this process and
 * never leaves it. The API finds out who it is of as it does for any token, and asks no less of them.
 */
export interface Handles {
  readonly lend: (principal: () => Promise<Principal>) => Lent
  /** Undefined: it is no handle. */
  readonly find: (token: string) => (() => Promise<Principal>) | undefined
}

export interface Lent {
  readonly token: string
  readonly takeBack: () => void
}

export function createHandles(): Handles {
  const lent = new Map<string, () => Promise<Principal>>()
  return {
    lend: (principal) => {
      const token = `console.${newSecret()}`
      lent.set(token, principal)
      return { token, takeBack: () => void lent.delete(token) }
    },
    find: (token) => lent.get(token),
  }
}
