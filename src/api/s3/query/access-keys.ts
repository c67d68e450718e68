import type { AccessKey } from '../../../iam/aws/access-keys.ts'
import type { UserId } from '../../../iam/records.ts'
import {
  isoDate,
  notAUser,
  PAGING,
  paged,
  type QueryCall,
  type QueryOperation,
  userOrSelf,
  validation,
} from './query-operation.ts'

/** Of the user that is named, or of the caller. */
function ownerOf({ form, accountId, iam, principal }: QueryCall): UserId & { readonly name: string } {
  const named = form.get('UserName')
  if (named !== undefined) {
    const { id, name } = iam.aws.users.get(accountId, named)
    return { accountId, iamId: id, name }
  }
  // What a leaked key of an application makes would outlive it, and a role has no keys.
  if (principal.type !== 'user' || principal.aws?.kind === 'role') {
    throw notAUser()
  }
  return { accountId, iamId: principal.iamId, name: principal.name }
}

const resource = userOrSelf

const metadata = (UserName: string, { accessKeyId, active, createdAtMs }: AccessKey) => ({
  UserName,
  AccessKeyId: accessKeyId,
  Status: active ? 'Active' : 'Inactive',
  CreateDate: isoDate(createdAtMs),
})

export const ACCESS_KEYS: readonly QueryOperation[] = [
  {
    ...{ name: 'CreateAccessKey', api: 'iam', takes: ['UserName'], changes: true, resource },
    run: async (call) => {
      const owner = ownerOf(call)
      const made = await call.iam.aws.accessKeys.create(owner)
      return { AccessKey: { ...metadata(owner.name, made), SecretAccessKey: made.secretAccessKey } }
    },
  },
  {
    ...{ name: 'ListAccessKeys', api: 'iam', takes: ['UserName', ...PAGING], resource },
    run: (call) => {
      const owner = ownerOf(call)
      const keys = [...call.iam.aws.accessKeys.list(owner)].sort((one, other) =>
        one.accessKeyId < other.accessKeyId ? -1 : 1,
      )
      const { items, facts } = paged(call, keys, ({ accessKeyId }) => accessKeyId)
      return { AccessKeyMetadata: { member: items.map((key) => metadata(owner.name, key)) }, ...facts }
    },
  },
  {
    ...{ name: 'UpdateAccessKey', api: 'iam', takes: ['UserName', 'AccessKeyId', 'Status'], changes: true, resource },
    run: async (call) => {
      const status = call.form.require('Status')
      if (status !== 'Active' && status !== 'Inactive') throw validation('Status must be Active or Inactive.')
      await call.iam.aws.accessKeys.setActive(ownerOf(call), call.form.require('AccessKeyId'), status === 'Active')
      return undefined
    },
  },
  {
    ...{ name: 'DeleteAccessKey', api: 'iam', takes: ['UserName', 'AccessKeyId'], changes: true, resource },
    run: async (call) => {
      await call.iam.aws.accessKeys.remove(ownerOf(call), call.form.require('AccessKeyId'))
      return undefined
    },
  },
]
