import { createHmac, hash } from 'node:crypto'
import { z } from 'zod'
import { uuidFromBytes } from '../base/ids.ts'
import { declaredLife, lifeSchema } from './entity-life.ts'
import { conflict, invalid } from './errors.ts'
import { userKey } from './keyspace.ts'
import type { HashApiKey, StoredApiKey, StoredUser, UserId } from './records.ts'
import type { IamState } from './state.ts'
import { type RowCodec, requireReadable } from './table.ts'
import { isActive, requireUser } from './users.ts'

/** A declared key has nothing but owner and hash. */
const schema = z.strictObject({
  accountId: z.string(),
  iamId: z.string(),
  hash: z.hex(),
  id: z.string().optional(),
  name: z.string().optional(),
  description: z.string().optional(),
  life: lifeSchema.optional(),
  locked: z.boolean().optional(),
  disabled: z.boolean().optional(),
  expiresAtMs: z.number().optional(),
  actionWhenLeaked: z.string().optional(),
})

export const apiKeyCodec: RowCodec<StoredApiKey> = {
  encode: (row) => row,
  decode: (stored) => ({ ...declaredMembers(schema.parse(stored)) }),
}

function declaredMembers(row: z.output<typeof schema>): StoredApiKey {
  return {
    ...row,
    id: row.id ?? declaredId(row.hash),
    name: row.name ?? 'declared',
    life: row.life ?? declaredLife(row.iamId),
    locked: row.locked ?? false,
    disabled: row.disabled ?? false,
  }
}

/** The same at every start, and no way back to the key. */
function declaredId(keyHash: string): string {
  const digest = hash('sha256', `coffer api key id\0${keyHash}`, 'buffer')
  return `ApiKey-${uuidFromBytes(digest.subarray(0, 16))}`
}

/** A key of its own, so that these hashes and the sealed secrets share nothing. */
export function apiKeyHasher(secretKey: Buffer): HashApiKey {
  const key = createHmac('sha256', secretKey).update('coffer api key hash\0').digest()
  return (apiKey) => createHmac('sha256', key).update(apiKey, 'utf8').digest('hex')
}

export function putApiKey(
  { users, apiKeys, hashApiKey, change }: IamState,
  owner: UserId,
  apiKey: string,
): Promise<void> {
  return change(() => {
    requireUser(users.get(userKey(owner)), owner)
    const row = newApiKey(owner, apiKey, hashApiKey)
    requireReadable(apiKeys, row.hash)
    const known = apiKeys.get(row.hash)
    if (known && userKey(known) !== userKey(owner))
      throw conflict(`an API key of ${owner.iamId} belongs to another user`)
    return { changes: known ? [] : [apiKeys.put(row.hash, row)], result: undefined }
  })
}

/** Throws IdentityInvalid. */
export function newApiKey({ accountId, iamId }: UserId, apiKey: string, hashApiKey: HashApiKey): StoredApiKey {
  if (apiKey === '' || apiKey.length > 256) throw invalid('an API key has 1 to 256 characters')
  return declaredMembers({ accountId, iamId, hash: hashApiKey(apiKey) })
}

/** Who may come in with this key now: undefined when it is disabled or has expired, or its owner may not. */
export function userOfApiKey({ users }: IamState, row: StoredApiKey, nowMs: number): StoredUser | undefined {
  if (row.disabled || (row.expiresAtMs !== undefined && row.expiresAtMs <= nowMs)) return undefined
  const user = users.get(userKey(row))
  return user && isActive(user) ? user : undefined
}

/** A lookup by keyed hash: what it takes does not tell how much of a guess was right. */
export const findApiKey = ({ apiKeys, hashApiKey }: IamState, apiKey: string): StoredApiKey | undefined =>
  apiKeys.get(hashApiKey(apiKey))
