import { newCredential } from '../credentials.ts'
import { firstObjectStorage } from '../instances.ts'
import { newAccessKeyId, newSecretAccessKey } from '../new-secrets.ts'
import type { StoredCredential, UserId } from '../records.ts'
import type { IamState } from '../state.ts'
import { limitExceeded, noSuchEntity, validation } from './errors.ts'
import { QUOTAS } from './quotas.ts'

export interface AccessKey {
  readonly accessKeyId: string
  readonly active: boolean
  /** 0 of one that was declared. */
  readonly createdAtMs: number
}

/** Of whoever has this IAM id: a user of AWS's kind, or one of the account's own. What is not there throws NoSuchEntity. */
export interface AccessKeys {
  readonly list: (owner: UserId) => readonly AccessKey[]
  /** The secret is told this once. Throws LimitExceeded, ValidationError. */
  readonly create: (owner: UserId) => Promise<AccessKey & { readonly secretAccessKey: string }>
  /** One that is not active works no more, and neither does what was got with it. */
  readonly setActive: (owner: UserId, accessKeyId: string, active: boolean) => Promise<void>
  readonly remove: (owner: UserId, accessKeyId: string) => Promise<void>
}

export function createAccessKeys(state: IamState, exists: (owner: UserId) => boolean): AccessKeys {
  const { credentials, change, clock } = state
  const rowsOf = (owner: UserId): StoredCredential[] =>
    [...credentials.values()].filter(({ accountId, iamId }) => accountId === owner.accountId && iamId === owner.iamId)
  // What the bootstrap file or a resource key gave is theirs to take away.
  const own = (owner: UserId) => rowsOf(owner).filter((row) => row.createdAtMs !== undefined)
  const find = (owner: UserId, id: string): StoredCredential => {
    const row = own(owner).find(({ accessKeyId }) => accessKeyId === id)
    if (!row) throw noSuchEntity(`The Access Key with id ${id} cannot be found.`)
    return row
  }
  return {
    list: (owner) => own(owner).map(keyOf),
    create: (owner) =>
      change(() => {
        if (!exists(owner)) throw noSuchEntity('The user of the access key cannot be found.')
        if (own(owner).length >= QUOTAS.accessKeysPerUser)
          throw limitExceeded(`Cannot exceed quota for AccessKeysPerUser: ${QUOTAS.accessKeysPerUser}`)
        if (!firstObjectStorage(state, owner.accountId)) {
          throw validation('The account needs an object storage instance before its users can have access keys.')
        }
        const pair = { accessKeyId: newAccessKeyId(), secretAccessKey: newSecretAccessKey() }
        const row = { ...newCredential(owner, pair), createdAtMs: clock.now() }
        return { changes: [credentials.put(row.accessKeyId, row)], result: { ...keyOf(row), ...pair } }
      }),
    setActive: (owner, accessKeyId, active) =>
      change(() => {
        const { disabled: _, ...row } = find(owner, accessKeyId)
        const next = active ? row : { ...row, disabled: true }
        return { changes: [credentials.put(accessKeyId, next)], result: undefined }
      }),
    remove: (owner, accessKeyId) =>
      change(() => ({ changes: [credentials.remove(find(owner, accessKeyId).accessKeyId)], result: undefined })),
  }
}

const keyOf = ({ accessKeyId, disabled = false, createdAtMs = 0 }: StoredCredential): AccessKey => ({
  accessKeyId,
  active: !disabled,
  createdAtMs,
})
