import { createHmac } from 'node:crypto'
import { z } from 'zod'
import { conflict, invalid } from './errors.ts'
import { userKey } from './keyspace.ts'
import type { HashApiKey, StoredApiKey, StoredUser, UserId } from './records.ts'
import type { IamState } from './state.ts'
import type { RowCodec } from './table.ts'
import { requireUser } from './users.ts'

const schema = z.strictObject({ accountId: z.string(), iamId: z.string(), hash: z.hex() })

export const apiKeyCodec: RowCodec<StoredApiKey> = { encode: (row) => row, decode: (stored) => schema.parse(stored) }

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
    const known = apiKeys.get(row.hash)
    if (known && userKey(known) !== userKey(owner))
      throw conflict(`an API key of ${owner.iamId} belongs to another user`)
    return { changes: known ? [] : [apiKeys.put(row.hash, row)], result: undefined }
  })
}

/** Throws IdentityInvalid. */
export function newApiKey({ accountId, iamId }: UserId, apiKey: string, hashApiKey: HashApiKey): StoredApiKey {
  if (apiKey === '' || apiKey.length > 256) throw invalid('an API key has 1 to 256 characters')
  return { accountId, iamId, hash: hashApiKey(apiKey) }
}

/** A lookup by keyed hash: what it takes does not tell how much of a guess was right. */
export function userOfApiKey({ users, apiKeys, hashApiKey }: IamState, apiKey: string): StoredUser | undefined {
  const row = apiKeys.get(hashApiKey(apiKey))
  return row && users.get(userKey(row))
}
