import type { Clock } from '../base/clock.ts'
import { accountCodec } from './accounts.ts'
import { apiKeyCodec, apiKeyHasher } from './api-keys.ts'
import { customerPolicyCodec } from './aws/customer-policy.ts'
import { awsGroupCodec, awsRoleCodec, awsUserCodec } from './aws/entity.ts'
import { changeState } from './changes.ts'
import { credentialCodec } from './credentials.ts'
import { instanceCodec, removedInstanceCodec } from './instances.ts'
import { IAM_SPACE } from './keyspace.ts'
import { oidcProviderCodec } from './oidc/provider.ts'
import { openPolicyBook } from './policy-book.ts'
import type { StoredApiKey, StoredInstance } from './records.ts'
import { resourceKeyCodec } from './resource-key-row.ts'
import { openRoleBook } from './role-book.ts'
import type { IamState } from './state.ts'
import { openTable, type TableStore } from './table.ts'
import { userCodec } from './users.ts'

export interface StateOptions {
  readonly rows: TableStore
  readonly secretKey: Buffer
  readonly clock: Clock
  readonly operatorAccountId?: string | undefined
}

export async function openState({ rows, secretKey, clock, operatorAccountId }: StateOptions): Promise<IamState> {
  const firstObjectStorage = new Map<string, StoredInstance>()
  const apiKeysById = new Map<string, StoredApiKey>()
  const apiKeys = await openTable(rows, IAM_SPACE.apiKey, apiKeyCodec, (after, before) => {
    if (before) apiKeysById.delete(before.id)
    if (after) apiKeysById.set(after.id, after)
  })
  for (const row of apiKeys.values()) apiKeysById.set(row.id, row)
  return {
    accounts: await openTable(rows, IAM_SPACE.account, accountCodec),
    instances: await openTable(rows, IAM_SPACE.instance, instanceCodec, () => firstObjectStorage.clear()),
    users: await openTable(rows, IAM_SPACE.user, userCodec),
    credentials: await openTable(rows, IAM_SPACE.credential, credentialCodec(secretKey)),
    apiKeys,
    apiKeysById,
    resourceKeys: await openTable(rows, IAM_SPACE.resourceKey, resourceKeyCodec),
    removedInstances: await openTable(rows, IAM_SPACE.removedInstance, removedInstanceCodec),
    awsUsers: await openTable(rows, IAM_SPACE.awsUser, awsUserCodec),
    awsGroups: await openTable(rows, IAM_SPACE.awsGroup, awsGroupCodec),
    awsRoles: await openTable(rows, IAM_SPACE.awsRole, awsRoleCodec),
    awsPolicies: await openTable(rows, IAM_SPACE.awsPolicy, customerPolicyCodec),
    oidcProviders: await openTable(rows, IAM_SPACE.oidcProvider, oidcProviderCodec),
    policies: await openPolicyBook(rows),
    customRoles: await openRoleBook(rows),
    firstObjectStorage,
    operatorAccountId,
    systemInstances: new Map(),
    systemAuthorizations: [],
    hashApiKey: apiKeyHasher(secretKey),
    change: changeState(rows.store),
    clock,
  }
}
