import type { MetadataStore } from '../storage/metadata/metadata-store.ts'
import { type Account, accountCodec } from './accounts.ts'
import { apiKeyCodec, apiKeyHasher, type HashApiKey, type StoredApiKey } from './api-keys.ts'
import { type Authorization, authorizationCodec } from './authorizations.ts'
import { type ChangeState, changeState } from './changes.ts'
import { credentialCodec, type StoredCredential } from './credentials.ts'
import { type Instance, instanceCodec, type StoredInstance } from './instances.ts'
import { IAM_SPACE } from './keyspace.ts'
import type { SystemAuthorization } from './system.ts'
import { openTable, type Table } from './table.ts'
import { type StoredUser, userCodec } from './users.ts'

/** Everything there is to know, in memory. Changed by `change` only, except what the server declares about itself. */
export interface IamState {
  readonly accounts: Table<Account>
  readonly instances: Table<StoredInstance>
  readonly users: Table<StoredUser>
  readonly credentials: Table<StoredCredential>
  readonly apiKeys: Table<StoredApiKey>
  readonly authorizations: Table<Authorization>
  /** First object storage instance of each account, as far as asked for since instances last changed. */
  readonly firstObjectStorage: Map<string, StoredInstance>
  readonly systemInstances: Map<string, Instance>
  readonly systemAuthorizations: SystemAuthorization[]
  readonly hashApiKey: HashApiKey
  readonly change: ChangeState
}

/** Throws IamStateDamaged when a record does not decode or a secret does not open under `secretKey`. */
export async function openState(store: MetadataStore, secretKey: Buffer): Promise<IamState> {
  const firstObjectStorage = new Map<string, StoredInstance>()
  return {
    accounts: await openTable(store, IAM_SPACE.account, accountCodec),
    instances: await openTable(store, IAM_SPACE.instance, instanceCodec, () => firstObjectStorage.clear()),
    users: await openTable(store, IAM_SPACE.user, userCodec),
    credentials: await openTable(store, IAM_SPACE.credential, credentialCodec(secretKey)),
    apiKeys: await openTable(store, IAM_SPACE.apiKey, apiKeyCodec),
    authorizations: await openTable(store, IAM_SPACE.authorization, authorizationCodec),
    firstObjectStorage,
    systemInstances: new Map(),
    systemAuthorizations: [],
    hashApiKey: apiKeyHasher(secretKey),
    change: changeState(store),
  }
}
