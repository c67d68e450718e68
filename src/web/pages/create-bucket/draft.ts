/** What was filled in: kept while somebody goes off to make a key or an authorization, and comes back. */
export interface Draft {
  readonly name: string
  readonly objectInstance: string
  readonly location: string
  readonly storageClass: string
  readonly isVersioned: boolean
  readonly isLocked: boolean
  readonly encryption: 'provider' | 'customer'
  readonly keyInstance: string
  readonly keyId: string | undefined
}

const NAME = 'coffer-new-bucket'

export function storedDraft(): Partial<Draft> {
  try {
    const stored: unknown = JSON.parse(window.sessionStorage.getItem(NAME) ?? '{}')
    return typeof stored === 'object' && stored !== null ? stored : {}
  } catch {
    return {}
  }
}

export const keepDraft = (draft: Draft): void => window.sessionStorage.setItem(NAME, JSON.stringify(draft))
export const dropDraft = (): void => window.sessionStorage.removeItem(NAME)
