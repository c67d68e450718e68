import { userKey } from '../keyspace.ts'
import type { IamState } from '../state.ts'
import type { Table } from '../table.ts'
import { type AwsEntity, type AwsKind, arnOf, entityKey } from './entity.ts'

/**
 * What stays the same of an identity and is never another's: `AIDA…` of a user of AWS's kind, `AROA…` of a role, and of a
 * session with `:` and its name; of a person or a service ID, whose IAM ids are unique, the ARN.
 */
export interface UniqueIds {
  /** Undefined: there is nobody of this ARN. */
  readonly idOf: (arn: string) => string | undefined
  /** As it is called by now. `arn`: as it was called once, in the same account. Undefined: it is gone. */
  readonly arnOf: (arn: string, id: string) => string | undefined
}

type Tables = Pick<IamState, 'users' | 'awsUsers' | 'awsRoles'>

export function createUniqueIds({ users, awsUsers, awsRoles }: Tables): UniqueIds {
  const isPerson = (accountId: string, iamId: string): boolean => {
    const key = userKey({ accountId, iamId })
    return users.get(key) !== undefined || users.isDamaged(key)
  }
  return {
    idOf: (arn) => {
      const [, accountId = '', kind, path = ''] = /^arn:aws:iam::([^:]+):(user|role)\/(.+)$/.exec(arn) ?? []
      if (kind === 'user') return byArn(awsUsers, kind, arn)?.id ?? (isPerson(accountId, path) ? arn : undefined)
      if (kind === 'role') return byArn(awsRoles, kind, arn)?.id
      const [, owner, name, session] = /^arn:aws:sts::([^:]+):assumed-role\/([^/]+)\/([^/]+)$/.exec(arn) ?? []
      for (const role of awsRoles.values()) {
        if (role.accountId === owner && role.name === name) return `${role.id}:${session}`
      }
      return undefined
    },
    arnOf: (arn, id) => {
      const [, accountId = ''] = /^arn:aws:(?:iam|sts)::([^:]+):/.exec(arn) ?? []
      const [entity = '', session] = id.split(':')
      const key = entityKey({ accountId, id: entity })
      if (id.startsWith('arn:')) return id
      const role = awsRoles.get(key)
      if (role && session !== undefined) return `arn:aws:sts::${accountId}:assumed-role/${role.name}/${session}`
      if (role) return arnOf('role', role)
      const user = awsUsers.get(key)
      return user && arnOf('user', user)
    },
  }
}

function byArn<Row extends AwsEntity>(table: Table<Row>, kind: AwsKind, arn: string): Row | undefined {
  for (const row of table.values()) if (arn.endsWith(`/${row.name}`) && arnOf(kind, row) === arn) return row
  return undefined
}
