import { type Crn, parseCrn } from '../base/crn.ts'
import type { KeyCall, KeyProvider } from '../envelope/key-provider.ts'
import { failure } from './common/failure.ts'
import { covers, type KeyClaims, specificity } from './common/key-claims.ts'

export interface Route {
  readonly claims: KeyClaims
  readonly provider: KeyProvider
}

export interface RoutedProviderOptions {
  /** The keys of this process, which nobody else can claim. */
  readonly local?: { readonly owns: (crn: Crn) => boolean; readonly provider: KeyProvider }
  readonly routes: readonly Route[]
}

/** Several providers as one: the CRN of a root key names the one that serves it. Closes them all. */
export function routedProvider({ local, routes }: RoutedProviderOptions): KeyProvider {
  const byClaim = [...routes].sort((a, b) => specificity(b.claims) - specificity(a.claims))
  const all = [...(local ? [local] : []), ...routes].map(({ provider }) => provider)
  const can = (ability: keyof KeyProvider['supports']): boolean => all.every(({ supports }) => supports[ability])

  /** Throws RootKeyNotFound: a key that no provider claims is nowhere. */
  const at = ({ rootKeyCrn }: Pick<KeyCall, 'rootKeyCrn'>): KeyProvider => {
    const crn = crnOf(rootKeyCrn)
    const provider = local?.owns(crn) ? local.provider : byClaim.find(({ claims }) => covers(claims, crn))?.provider
    if (provider) return provider
    throw failure('RootKeyNotFound', new Error(`no key provider is declared for the keys of instance ${crn.instance}`))
  }

  return {
    name: 'routed',
    supports: {
      get rewrap() {
        return can('rewrap')
      },
      get aad() {
        return can('aad')
      },
      get versions() {
        return can('versions')
      },
      get registrations() {
        return can('registrations')
      },
    },
    prefersBucketKeys: (rootKeyCrn) => at({ rootKeyCrn }).prefersBucketKeys?.(rootKeyCrn) ?? false,
    derivesWrapKeys: (rootKeyCrn) => at({ rootKeyCrn }).derivesWrapKeys?.(rootKeyCrn) ?? false,
    wrap: async (call, dek, context) => at(call).wrap(call, dek, context),
    unwrap: async (call, wrapped, context) => at(call).unwrap(call, wrapped, context),
    rewrap: async (call, wrapped, context) => at(call).rewrap(call, wrapped, context),
    permit: async (call, use) => at(call).permit(call, use),
    describe: async (call) => at(call).describe(call),
    find: async (call) => at(call).find(call),
    register: async (call, registration) => at(call).register(call, registration),
    deregister: async (call, registration) => at(call).deregister(call, registration),
    close: async () => {
      await Promise.all(all.map((provider) => provider.close()))
    },
  }
}

function crnOf(text: string): Crn {
  try {
    return parseCrn(text)
  } catch (error) {
    throw failure('RootKeyNotFound', error)
  }
}
