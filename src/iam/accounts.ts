import { z } from 'zod'
import { conflict, invalid } from './errors.ts'
import type { Account, Owner } from './records.ts'
import type { IamState } from './state.ts'
import { SYSTEM_ACCOUNT_ID } from './system.ts'
import { type RowCodec, requireReadable } from './table.ts'

const schema = z.strictObject({ id: z.string(), name: z.string(), canonicalId: z.string() })

export const accountCodec: RowCodec<Account> = {
  encode: (account) => account,
  decode: (stored) => schema.parse(stored),
}

export interface AccountDeclaration {
  readonly id: string
  readonly name: string
  readonly canonicalId?: string | undefined
}

export function putAccount({ accounts, change }: IamState, declared: AccountDeclaration): Promise<Account> {
  return change(() => {
    const account = newAccount(declared)
    requireReadable(accounts, account.id)
    for (const other of accounts.values()) {
      if (other.id !== account.id && other.canonicalId === account.canonicalId) {
        throw conflict(`the canonical id of account ${account.id} belongs to account ${other.id}`)
      }
    }
    const known = accounts.get(account.id)
    const same = known?.name === account.name && known.canonicalId === account.canonicalId
    return { changes: same ? [] : [accounts.put(account.id, account)], result: account }
  })
}

/** Throws IdentityInvalid. */
export function newAccount({ id, name, canonicalId = id }: AccountDeclaration): Account {
  if (!/^[0-9a-f]{32}$/.test(id)) throw invalid(`an account id is 32 lower-case hex digits, not ${id.slice(0, 64)}`)
  if (id === SYSTEM_ACCOUNT_ID) throw invalid(`account ${id} is the server's own`)
  if (canonicalId === '' || canonicalId.length > 512) throw invalid('a canonical id has 1 to 512 characters')
  return { id, name, canonicalId }
}

export function ownerOf({ accounts }: IamState, accountId: string): Owner | undefined {
  const account = accounts.get(accountId)
  return account && { id: account.canonicalId, displayName: account.name }
}

/** Addresses tell no upper from lower case. */
export function accountsOfEmail({ accounts, users }: IamState, email: string): Account[] {
  const wanted = email.toLowerCase()
  const ids = new Set<string>()
  for (const user of users.values()) if (wanted !== '' && user.email.toLowerCase() === wanted) ids.add(user.accountId)
  return [...ids].flatMap((id) => accounts.get(id) ?? [])
}
