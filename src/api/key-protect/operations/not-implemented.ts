import type { JsonOperation, Method } from '../../common/json-operation.ts'
import { noBody } from '../../common/json-operation.ts'
import { defineOperation, type KeyProtectContext } from '../context.ts'
import { protocolError } from '../errors.ts'

type Call = readonly [name: string, method: Method, path: string, query?: Readonly<Record<string, string | true>>]

/** Calls that Key Protect has and this server does not: refused by name, never answered by something else. */
const CALLS: readonly Call[] = [
  ['CreateKeyWithPoliciesOverrides', 'POST', 'keys_with_policy_overrides'],
  ['GetKeys with search', 'GET', 'keys', { search: true }],
  ['GetKeys with sort', 'GET', 'keys', { sort: true }],
  ['GetKeys with filter', 'GET', 'keys', { filter: true }],
  ['GetKeyCollectionMetadata with filter', 'HEAD', 'keys', { filter: true }],
  ['PatchKey', 'PATCH', 'keys/:id'],
  ['PurgeKey', 'DELETE', 'keys/:id/purge'],
  ['SetKeyForDeletion', 'POST', 'keys/:id/actions/setKeyForDeletion'],
  ['SetKeyForDeletion by query', 'POST', 'keys/:id', { action: 'setKeyForDeletion' }],
  ['UnsetKeyForDeletion', 'POST', 'keys/:id/actions/unsetKeyForDeletion'],
  ['UnsetKeyForDeletion by query', 'POST', 'keys/:id', { action: 'unsetKeyForDeletion' }],
  ['SyncAssociatedResources', 'POST', 'keys/:id/actions/sync'],
  ['PutPolicy', 'PUT', 'keys/:id/policies'],
  ['GetPolicy', 'GET', 'keys/:id/policies'],
  ['PutInstancePolicy', 'PUT', 'instance/policies'],
  ['GetInstancePolicy', 'GET', 'instance/policies'],
  ['GetAllowedIPPort', 'GET', 'instance/allowed_ip_port'],
  ['PostImportToken', 'POST', 'import_token'],
  ['GetImportToken', 'GET', 'import_token'],
  ['ListKeyRings', 'GET', 'key_rings'],
  ['CreateKeyRing', 'POST', 'key_rings/:ring'],
  ['DeleteKeyRing', 'DELETE', 'key_rings/:ring'],
  ['GetKmipAdapters', 'GET', 'kmip_adapters'],
  ['CreateKmipAdapter', 'POST', 'kmip_adapters'],
  ['GetKmipAdapter', 'GET', 'kmip_adapters/:adapter'],
  ['DeleteKmipAdapter', 'DELETE', 'kmip_adapters/:adapter'],
]

export const notImplemented: readonly JsonOperation<KeyProtectContext>[] = CALLS.map(([name, method, path, query]) =>
  defineOperation({
    name,
    method,
    path: `/api/v2/${path}`,
    ...(query && { query }),
    body: noBody,
    run: async () => {
      throw protocolError('NotImplemented', `${name} is not implemented`)
    },
  }),
)
