import { z } from 'zod'
import { openSmall, SMALL_KIND, sealSmall } from '../envelope/small-envelope.ts'
import { ownerOf } from './accounts.ts'
import { entityKey } from './aws/entity.ts'
import { awsUserPrincipal } from './aws/principals.ts'
import { conflict, invalid } from './errors.ts'
import { firstObjectStorage, type Instance } from './instances.ts'
import { userKey } from './keyspace.ts'
import type { UserPrincipal } from './principal.ts'
import type { StoredCredential, UserId } from './records.ts'
import type { IamState } from './state.ts'
import { type RowCodec, requireReadable } from './table.ts'
import { isActive, requireUser, userPrincipal } from './users.ts'

/** An HMAC pair of a user, with everything that S3 needs about them. */
export interface Credential {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly principal: UserPrincipal
  /** The instance that it was made for; without one, the first object storage instance of the account. */
  readonly serviceInstanceCrn: string
  readonly canonicalId: string
  readonly displayName: string
  /** Of temporary ones: the token that must come with each request. */
  readonly sessionToken?: string
  readonly expiresAtMs?: number
  /** Of temporary ones: what they end with. */
  readonly origin?: SessionOrigin
}

export interface SessionOrigin extends KeyOrigin {
  /** In the key's place: the identity provider whose token they were got with, and which of them all it is. */
  readonly provider?: { readonly key: string; readonly id: string }
  /** Keys of the roles that were taken on since. */
  readonly parents: readonly string[]
}

/** All empty where there was no key. */
interface KeyOrigin {
  /** The access key that they were got with, at first, and whose it was. */
  readonly via: string
  /** Keyed hash of its secret. */
  readonly viaHash: string
  readonly iamId: string
  readonly accountId: string
}

export interface HmacPair {
  readonly accessKeyId: string
  readonly secretAccessKey: string
}

const schema = z.strictObject({
  accountId: z.string(),
  iamId: z.string(),
  accessKeyId: z.string(),
  instance: z.string().optional(),
  createdAtMs: z.number().optional(),
  disabled: z.boolean().optional(),
  sealedSecret: z.base64(),
})

const KEY_REF = Buffer.from('coffer-iam-key-1', 'latin1')

/** SigV4 needs the secret itself, so it is sealed once more under a key of its own, bound to its user and access key id. */
export function credentialCodec(key: Buffer): RowCodec<StoredCredential> {
  const sealing = (owner: UserId, accessKeyId: string) =>
    ({ kind: SMALL_KIND.iamSecret, key, context: ['iam', userKey(owner), accessKeyId] }) as const
  return {
    encode: ({ secretAccessKey, ...row }) => {
      const secret = Buffer.from(secretAccessKey, 'utf8')
      return {
        ...row,
        sealedSecret: sealSmall({ ...sealing(row, row.accessKeyId), keyRef: KEY_REF }, secret).toString('base64'),
      }
    },
    decode: (stored) => {
      const { sealedSecret, ...row } = schema.parse(stored)
      const secret = openSmall(sealing(row, row.accessKeyId), Buffer.from(sealedSecret, 'base64'))
      return { ...row, secretAccessKey: secret.toString('utf8') }
    },
  }
}

export function putCredential(state: IamState, owner: UserId, pair: HmacPair): Promise<void> {
  const { users, credentials, change } = state
  return change(() => {
    requireUser(users.get(userKey(owner)), owner)
    if (!firstObjectStorage(state, owner.accountId)) {
      throw invalid(
        `account ${owner.accountId} needs a cloud-object-storage instance before its users can have HMAC credentials`,
      )
    }
    const row = newCredential(owner, pair)
    requireReadable(credentials, row.accessKeyId)
    const known = credentials.get(row.accessKeyId)
    if (known && userKey(known) !== userKey(owner)) {
      throw conflict(`access key id ${row.accessKeyId} belongs to another user`)
    }
    const same = known?.secretAccessKey === row.secretAccessKey
    return { changes: same ? [] : [credentials.put(row.accessKeyId, row)], result: undefined }
  })
}

/** Throws IdentityInvalid. */
export function newCredential(
  { accountId, iamId }: UserId,
  { accessKeyId, secretAccessKey }: HmacPair,
): StoredCredential {
  // SigV4 writes the id into `Credential=<id>/<date>/…, SignedHeaders=…`.
  if (!/^[A-Za-z0-9._~@+:-]{1,128}$/.test(accessKeyId)) {
    throw invalid('an access key id is 1 to 128 letters, digits or any of . _ ~ @ + : -')
  }
  if (secretAccessKey === '' || secretAccessKey.length > 256)
    throw invalid('a secret access key has 1 to 256 characters')
  return { accountId, iamId, accessKeyId, secretAccessKey }
}

export function deleteCredential({ credentials, change }: IamState, accessKeyId: string): Promise<void> {
  return change(() => ({
    changes: credentials.get(accessKeyId) ? [credentials.remove(accessKeyId)] : [],
    result: undefined,
  }))
}

export function findCredential(state: IamState, accessKeyId: string): Credential | undefined {
  const row = state.credentials.get(accessKeyId)
  const principal = row && principalOf(state, row)
  const owner = row && ownerOf(state, row.accountId)
  const instance = row && instanceOf(state, row)
  if (!row || row.disabled || !principal || !owner || !instance) return undefined
  return {
    accessKeyId,
    secretAccessKey: row.secretAccessKey,
    principal,
    serviceInstanceCrn: instance.crn,
    canonicalId: owner.id,
    displayName: owner.displayName,
  }
}

function principalOf(state: IamState, { accountId, iamId }: UserId): UserPrincipal | undefined {
  const user = state.users.get(userKey({ accountId, iamId }))
  if (user) return isActive(user) ? userPrincipal(user) : undefined
  const awsUser = state.awsUsers.get(entityKey({ accountId, id: iamId }))
  return awsUser && awsUserPrincipal(state, awsUser)
}

/** A credential of an instance that is gone does not fall back to another one. */
const instanceOf = (state: IamState, { accountId, instance }: StoredCredential): Instance | undefined =>
  instance === undefined ? firstObjectStorage(state, accountId) : state.instances.get(instance)
