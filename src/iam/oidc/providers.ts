import { alreadyExists, limitExceeded, noSuchEntity, validation } from '../aws/errors.ts'
import { newOidcProviderId } from '../new-secrets.ts'
import type { IamState } from '../state.ts'
import { checkIssuerUrl, type IssuerRules } from './issuer-url.ts'
import { issuerName, type OidcProvider, oidcProviderArn, oidcProviderKey } from './provider.ts'

export interface OidcDraft {
  readonly accountId: string
  readonly url: string
  readonly clientIds: readonly string[]
  readonly thumbprints: readonly string[]
}

/** Identity providers of accounts. Who is not there throws NoSuchEntity, what is not allowed ValidationError. */
export interface OidcProviders {
  /** By its ARN, in this account. */
  readonly get: (accountId: string, arn: string) => OidcProvider
  /** Whose tokens have this `iss`. */
  readonly ofIssuer: (accountId: string, issuer: string) => OidcProvider | undefined
  /** In order of their ARNs. */
  readonly list: (accountId: string) => readonly OidcProvider[]
  /** Throws EntityAlreadyExists, LimitExceeded. */
  readonly create: (draft: OidcDraft) => Promise<OidcProvider>
  /** One that is there already stays. Throws LimitExceeded. */
  readonly addClientId: (accountId: string, arn: string, clientId: string) => Promise<void>
  /** One that is not there is no error. */
  readonly removeClientId: (accountId: string, arn: string, clientId: string) => Promise<void>
  readonly setThumbprints: (accountId: string, arn: string, thumbprints: readonly string[]) => Promise<void>
  readonly remove: (accountId: string, arn: string) => Promise<void>
}

/** AWS's. */
const QUOTAS = { providers: 100, clientIds: 100, thumbprints: 5 } as const

export function createOidcProviders(
  { oidcProviders: table, change, clock }: Pick<IamState, 'oidcProviders' | 'change' | 'clock'>,
  rules: IssuerRules,
): OidcProviders {
  const list = (accountId: string): OidcProvider[] =>
    [...table.values()]
      .filter((row) => row.accountId === accountId)
      .sort((one, other) => (oidcProviderArn(one) < oidcProviderArn(other) ? -1 : 1))
  const get = (accountId: string, arn: string): OidcProvider => {
    const row = list(accountId).find((one) => oidcProviderArn(one) === arn)
    if (!row) throw noSuchEntity(`OpenIDConnect Provider not found for arn ${arn}`)
    return row
  }
  const update = (accountId: string, arn: string, after: (row: OidcProvider) => OidcProvider): Promise<void> =>
    change(() => {
      const row = checked(after(get(accountId, arn)))
      return { changes: [table.put(oidcProviderKey(row), row)], result: undefined }
    })
  return {
    get,
    list,
    ofIssuer: (accountId, issuer) => {
      const row = table.get(oidcProviderKey({ accountId, url: issuer }))
      return row?.url === issuer ? row : undefined
    },
    create: (draft) =>
      change(() => {
        checkIssuerUrl(draft.url, rules)
        const row = checked({ ...draft, id: newOidcProviderId(), createdAtMs: clock.now() })
        const key = oidcProviderKey(row)
        const others = list(row.accountId)
        // Condition keys do not tell upper from lower case.
        const isTaken = others.some(({ url }) => issuerName(url).toLowerCase() === issuerName(row.url).toLowerCase())
        if (isTaken || table.isDamaged(key)) throw alreadyExists(`Provider with url ${row.url}`)
        if (others.length >= QUOTAS.providers) {
          throw limitExceeded(`Cannot exceed quota for OpenIdConnectProvidersPerAccount: ${QUOTAS.providers}`)
        }
        return { changes: [table.put(key, row)], result: row }
      }),
    addClientId: (accountId, arn, clientId) =>
      update(accountId, arn, (row) => ({ ...row, clientIds: [...row.clientIds, clientId] })),
    removeClientId: (accountId, arn, clientId) =>
      update(accountId, arn, (row) => ({ ...row, clientIds: row.clientIds.filter((one) => one !== clientId) })),
    setThumbprints: (accountId, arn, thumbprints) => update(accountId, arn, (row) => ({ ...row, thumbprints })),
    remove: (accountId, arn) =>
      change(() => ({ changes: [table.remove(oidcProviderKey(get(accountId, arn)))], result: undefined })),
  }
}

function checked(row: OidcProvider): OidcProvider {
  const clientIds = [...new Set(row.clientIds)]
  const thumbprints = [...new Set(row.thumbprints)]
  if (clientIds.length > QUOTAS.clientIds) {
    throw limitExceeded(`Cannot exceed quota for ClientIdsPerOpenIdConnectProvider: ${QUOTAS.clientIds}`)
  }
  if (thumbprints.length > QUOTAS.thumbprints) {
    throw validation(`Thumbprint list must contain at most ${QUOTAS.thumbprints} entries.`)
  }
  if (clientIds.some((one) => one.length > 255)) throw validation('A client ID has 1 to 255 characters.')
  // AWS does not ask for hex digits: its own examples have others.
  if (!thumbprints.every((one) => /^[A-Za-z0-9]{40}$/.test(one))) throw validation('A thumbprint has 40 digits.')
  return { ...row, clientIds, thumbprints }
}
