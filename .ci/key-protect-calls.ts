export interface KeyProtectCall {
  /** As IBM's clients name it. */
  readonly name: string
  /** Only newer clients have it than the one on npm, or none. */
  readonly onNpm: boolean
  readonly method: string
  /** Below `/api/v2`. */
  readonly path: string
  /** The older form of an action. */
  readonly action?: string
}

const npm = (name: string, method: string, path: string): KeyProtectCall => ({ name, onNpm: true, method, path })
const newer = (name: string, method: string, path: string): KeyProtectCall => ({ name, onNpm: false, method, path })

const ACTIONS = [
  'wrap',
  'unwrap',
  'rewrap',
  'rotate',
  'restore',
  'disable',
  'enable',
  'setKeyForDeletion',
  'unsetKeyForDeletion',
]

/** Every call of Key Protect's API, version 2. */
export const KEY_PROTECT_CALLS: readonly KeyProtectCall[] = [
  npm('createKey', 'POST', '/keys'),
  newer('createKeyWithPoliciesOverrides', 'POST', '/keys_with_policy_overrides'),
  npm('getKeys', 'GET', '/keys'),
  npm('getKeyCollectionMetadata', 'HEAD', '/keys'),
  npm('getKey', 'GET', '/keys/{id}'),
  npm('getKeyMetadata', 'GET', '/keys/{id}/metadata'),
  newer('patchKey', 'PATCH', '/keys/{id}'),
  npm('deleteKey', 'DELETE', '/keys/{id}'),
  newer('purgeKey', 'DELETE', '/keys/{id}/purge'),
  npm('restoreKey', 'POST', '/keys/{id}/restore'),
  npm('getKeyVersions', 'GET', '/keys/{id}/versions'),
  npm('wrapKey', 'POST', '/keys/{id}/actions/wrap'),
  npm('unwrapKey', 'POST', '/keys/{id}/actions/unwrap'),
  npm('rewrapKey', 'POST', '/keys/{id}/actions/rewrap'),
  npm('rotateKey', 'POST', '/keys/{id}/actions/rotate'),
  npm('disableKey', 'POST', '/keys/{id}/actions/disable'),
  npm('enableKey', 'POST', '/keys/{id}/actions/enable'),
  npm('setKeyForDeletion', 'POST', '/keys/{id}/actions/setKeyForDeletion'),
  npm('unsetKeyForDeletion', 'POST', '/keys/{id}/actions/unsetKeyForDeletion'),
  npm('syncAssociatedResources', 'POST', '/keys/{id}/actions/sync'),
  ...ACTIONS.map((action) => ({ ...newer('actionOnKey', 'POST', '/keys/{id}'), action })),
  npm('putPolicy', 'PUT', '/keys/{id}/policies'),
  npm('getPolicy', 'GET', '/keys/{id}/policies'),
  npm('putInstancePolicy', 'PUT', '/instance/policies'),
  npm('getInstancePolicy', 'GET', '/instance/policies'),
  npm('getAllowedIpPort', 'GET', '/instance/allowed_ip_port'),
  npm('postImportToken', 'POST', '/import_token'),
  npm('getImportToken', 'GET', '/import_token'),
  npm('getRegistrations', 'GET', '/keys/{id}/registrations'),
  npm('getRegistrationsAllKeys', 'GET', '/keys/registrations'),
  newer('create registration (services)', 'POST', '/keys/{id}/registrations/{resource CRN}'),
  newer('modify registration (services)', 'PATCH', '/keys/{id}/registrations/{resource CRN}'),
  newer('replace registration (services)', 'PUT', '/keys/{id}/registrations/{resource CRN}'),
  newer('end registration (services)', 'DELETE', '/keys/{id}/registrations/{resource CRN}'),
  npm('createKeyAlias', 'POST', '/keys/{id}/aliases/{alias}'),
  npm('deleteKeyAlias', 'DELETE', '/keys/{id}/aliases/{alias}'),
  npm('listKeyRings', 'GET', '/key_rings'),
  npm('createKeyRing', 'POST', '/key_rings/{id}'),
  npm('deleteKeyRing', 'DELETE', '/key_rings/{id}'),
  newer('getKmipAdapters', 'GET', '/kmip_adapters'),
  newer('createKmipAdapter', 'POST', '/kmip_adapters'),
  newer('getKmipAdapter', 'GET', '/kmip_adapters/{id}'),
  newer('deleteKmipAdapter', 'DELETE', '/kmip_adapters/{id}'),
  newer('getKmipObjects', 'GET', '/kmip_adapters/{id}/kmip_objects'),
  newer('getKmipObject', 'GET', '/kmip_adapters/{id}/kmip_objects/{id}'),
  newer('deleteKmipObject', 'DELETE', '/kmip_adapters/{id}/kmip_objects/{id}'),
  newer('getKmipClientCertificates', 'GET', '/kmip_adapters/{id}/certificates'),
  newer('addKmipClientCertificate', 'POST', '/kmip_adapters/{id}/certificates'),
  newer('getKmipClientCertificate', 'GET', '/kmip_adapters/{id}/certificates/{id}'),
  newer('deleteKmipClientCertificate', 'DELETE', '/kmip_adapters/{id}/certificates/{id}'),
]
