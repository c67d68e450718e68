import { createHmac } from 'node:crypto'
import { z } from 'zod'
import type { Clock } from '../../base/clock.ts'
import { decodeBase64url } from '../../base/decode.ts'
import { openSmall, SMALL_KIND, sealSmall } from '../../envelope/small-envelope.ts'
import { ownerOf } from '../accounts.ts'
import { type Credential, findCredential, type SessionOrigin } from '../credentials.ts'
import { firstObjectStorage } from '../instances.ts'
import { newSecretAccessKey, newTemporaryAccessKeyId } from '../new-secrets.ts'
import { type OidcProvider, oidcProviderArn, oidcProviderKey } from '../oidc/provider.ts'
import type { WebIdentity } from '../oidc/web-identity.ts'
import type { IamState } from '../state.ts'
import { type AwsRole, entityKey } from './entity.ts'
import { validation } from './errors.ts'
import { awsRolePrincipal, type RoleSession } from './principals.ts'
import { sessionTagsSchema } from './session-tags.ts'

export interface TemporaryCredentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken: string
  readonly expiresAtMs: number
}

/** Credentials that expire. They are kept nowhere: all that is to know of them is sealed in the session token. */
export interface Sessions {
  /** They stand for whom `by` stands for. */
  readonly ofUser: (by: Credential, lifeSeconds: number) => TemporaryCredentials
  /** Throws ValidationError for policies that no request could carry. */
  readonly ofRole: (
    by: Credential,
    role: AwsRole,
    session: Omit<RoleSession, 'federated'>,
    lifeSeconds: number,
  ) => TemporaryCredentials
  /** Of somebody whom an identity provider knows. Throws ValidationError as well. */
  readonly ofWebIdentity: (
    by: WebIdentity,
    role: AwsRole,
    session: Omit<RoleSession, 'federated' | 'tags'>,
    lifeSeconds: number,
  ) => TemporaryCredentials
  /**
   * Also of any that has expired, which is told in it. Undefined as soon as the key that it was got with does not work, or
   * the identity provider or a role on the way is gone.
   */
  readonly find: (accessKeyId: string, sessionToken: string) => Credential | undefined
}

const MAX_LENGTH = 8192
const KEY_REF = Buffer.from('coffer-session-1', 'latin1')
const schema = z.strictObject({
  secretAccessKey: z.string(),
  expiresAtMs: z.number(),
  /** These two are not in tokens of earlier releases. */
  issuedAtMs: z.number().optional(),
  viaHash: z.string().optional(),
  via: z.string(),
  iamId: z.string(),
  accountId: z.string(),
  parents: z.array(z.string()),
  provider: z.strictObject({ key: z.string(), id: z.string() }).optional(),
  role: z
    .strictObject({
      ...{ key: z.string(), name: z.string(), policies: z.array(z.string()), managed: z.array(z.string()) },
      federated: z.strictObject({ provider: z.string(), facts: z.record(z.string(), z.array(z.string())) }).optional(),
      tags: sessionTagsSchema.optional(),
    })
    .optional(),
})
type Content = z.output<typeof schema>

export function createSessions(state: IamState, { tokenKey, clock }: { tokenKey: Buffer; clock: Clock }): Sessions {
  const sealing = (accessKeyId: string) =>
    ({ kind: SMALL_KIND.iamSecret, key: tokenKey, context: ['iam', 'session', accessKeyId] }) as const

  /** Of a secret that is replaced, so that what was got with the old one ends. */
  const hashOf = ({ accessKeyId, secretAccessKey }: Credential): string =>
    createHmac('sha256', tokenKey).update(`session\0${accessKeyId}\0${secretAccessKey}`).digest('base64url')

  const originOf = (by: Credential): SessionOrigin => {
    const { accessKeyId: via, principal, origin } = by
    const { iamId, accountId } = principal
    return origin ?? { via, viaHash: hashOf(by), iamId, accountId, parents: [] }
  }

  const issue = (origin: SessionOrigin, lifeSeconds: number, role: Content['role']): TemporaryCredentials => {
    const { via, viaHash, parents, iamId, accountId, provider } = origin
    const accessKeyId = newTemporaryAccessKeyId()
    const issuedAtMs = clock.now()
    const pair = { secretAccessKey: newSecretAccessKey(), expiresAtMs: issuedAtMs + lifeSeconds * 1000 }
    const known = { ...pair, issuedAtMs, via, viaHash }
    const came = { iamId, accountId, parents: [...parents], ...(provider ? { provider } : {}) }
    const content: Content = { ...known, ...came, ...(role ? { role } : {}) }
    const sealed = sealSmall({ ...sealing(accessKeyId), keyRef: KEY_REF }, Buffer.from(JSON.stringify(content), 'utf8'))
    const sessionToken = sealed.toString('base64url')
    if (sessionToken.length > MAX_LENGTH) throw validation('The policies and tags of the session are too long.')
    return { accessKeyId, ...pair, sessionToken }
  }

  const open = (accessKeyId: string, sessionToken: string): Content | undefined => {
    const sealed = sessionToken.length > MAX_LENGTH ? undefined : decodeBase64url(sessionToken)
    if (sealed === undefined) return undefined
    try {
      return schema.parse(JSON.parse(openSmall(sealing(accessKeyId), sealed).toString('utf8')))
    } catch {
      return undefined
    }
  }

  /** Undefined when the key works no more, or is not what it was. */
  const cameWith = ({ via, viaHash: known, iamId, accountId }: Content) => {
    const first = findCredential(state, via)
    if (first?.principal.iamId !== iamId || first.principal.accountId !== accountId) return undefined
    const viaHash = hashOf(first)
    return known === undefined || known === viaHash ? { first, origin: { via, viaHash, iamId, accountId } } : undefined
  }

  const cameThrough = ({ key, id }: NonNullable<Content['provider']>) => {
    const provider = state.oidcProviders.get(key)
    return provider?.id === id ? { first: undefined, origin: originOfWeb(provider) } : undefined
  }

  return {
    ofUser: (by, lifeSeconds) => issue(originOf(by), lifeSeconds, undefined),
    ofRole: (by, role, { name, policies, managed, tags }, lifeSeconds) => {
      const session = { name, policies: [...policies], managed: [...managed], ...tagged(tags) }
      return issue(originOf(by), lifeSeconds, { key: entityKey(role), ...session })
    },
    ofWebIdentity: ({ provider, facts: given, tags }, role, { name, policies, managed }, lifeSeconds) => {
      const facts = Object.fromEntries(Object.entries(given).map(([key, values]) => [key, [...values]]))
      const federated = { provider: oidcProviderArn(provider), facts }
      const session = { name, policies: [...policies], managed: [...managed], federated, ...tagged(tags) }
      return issue(originOfWeb(provider), lifeSeconds, { key: entityKey(role), ...session })
    },
    find: (accessKeyId, sessionToken) => {
      const content = open(accessKeyId, sessionToken)
      const came = content && (content.provider ? cameThrough(content.provider) : cameWith(content))
      if (!content || !came || content.parents.some((key) => !state.awsRoles.get(key))) return undefined
      const { secretAccessKey, expiresAtMs, parents, role } = content
      const { issuedAtMs: temporarySinceMs = 0 } = content
      const { first } = came
      const temporary = { accessKeyId, secretAccessKey, sessionToken, expiresAtMs }
      const origin = { ...came.origin, parents: role ? [...parents, role.key] : parents }
      if (!role) return first && { ...first, ...temporary, principal: { ...first.principal, temporarySinceMs }, origin }
      const who = ofRole(state, role)
      return who && { ...temporary, ...who, principal: { ...who.principal, temporarySinceMs }, origin }
    },
  }
}

const tagged = (tags: RoleSession['tags']) => (tags && tags.length > 0 ? { tags: [...tags] } : {})

const originOfWeb = (provider: OidcProvider): SessionOrigin => ({
  ...{ via: '', viaHash: '', iamId: '', accountId: '', parents: [] },
  provider: { key: oidcProviderKey(provider), id: provider.id },
})

function ofRole(state: IamState, session: NonNullable<Content['role']>) {
  const role = state.awsRoles.get(session.key)
  const owner = role && ownerOf(state, role.accountId)
  const instance = role && firstObjectStorage(state, role.accountId)
  if (!role || !owner || !instance) return undefined
  return {
    principal: awsRolePrincipal(state, role, session),
    serviceInstanceCrn: instance.crn,
    canonicalId: owner.id,
    displayName: owner.displayName,
  }
}
