import type { Clock } from '../base/clock.ts'
import type { CustomerPolicy } from './aws/customer-policy.ts'
import type { AwsGroup, AwsRole, AwsUser } from './aws/entity.ts'
import type { ChangeState } from './changes.ts'
import type { OidcProvider } from './oidc/provider.ts'
import type { PolicyBook } from './policy-book.ts'
import type {
  Account,
  HashApiKey,
  Instance,
  RemovedInstance,
  StoredApiKey,
  StoredCredential,
  StoredInstance,
  StoredResourceKey,
  StoredUser,
  SystemAuthorization,
} from './records.ts'
import type { RoleBook } from './role-book.ts'
import type { Table } from './table.ts'

/** Everything there is to know, in memory. Changed by `change` only, except what the server declares about itself. */
export interface IamState {
  readonly accounts: Table<Account>
  readonly instances: Table<StoredInstance>
  readonly users: Table<StoredUser>
  readonly credentials: Table<StoredCredential>
  /** By hash. */
  readonly apiKeys: Table<StoredApiKey>
  readonly apiKeysById: ReadonlyMap<string, StoredApiKey>
  readonly resourceKeys: Table<StoredResourceKey>
  readonly removedInstances: Table<RemovedInstance>
  readonly awsUsers: Table<AwsUser>
  readonly awsGroups: Table<AwsGroup>
  readonly awsRoles: Table<AwsRole>
  readonly awsPolicies: Table<CustomerPolicy>
  readonly oidcProviders: Table<OidcProvider>
  readonly policies: PolicyBook
  readonly customRoles: RoleBook
  /** First object storage instance of each account, as far as asked for since instances last changed. */
  readonly firstObjectStorage: Map<string, StoredInstance>
  /** Whose Administrators may change what all accounts share. */
  readonly operatorAccountId: string | undefined
  readonly systemInstances: Map<string, Instance>
  readonly systemAuthorizations: SystemAuthorization[]
  readonly hashApiKey: HashApiKey
  readonly change: ChangeState
  readonly clock: Clock
}
