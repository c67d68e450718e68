import type { JsonOperation } from '../../common/json-operation.ts'
import type { KeyProtectContext } from '../context.ts'
import { changeRegistration } from './change-registration.ts'
import { countKeys } from './count-keys.ts'
import { createAlias } from './create-alias.ts'
import { createImportToken } from './create-import-token.ts'
import { createKey, createKeyWithPolicies } from './create-key.ts'
import { createKeyRing } from './create-key-ring.ts'
import { createRegistration } from './create-registration.ts'
import { deleteAlias } from './delete-alias.ts'
import { deleteKey } from './delete-key.ts'
import { deleteKeyRing } from './delete-key-ring.ts'
import { deleteRegistration } from './delete-registration.ts'
import { disableKey } from './disable-key.ts'
import { enableKey } from './enable-key.ts'
import { getAllowedIpPort } from './get-allowed-ip-port.ts'
import { getImportToken } from './get-import-token.ts'
import { getInstancePolicies } from './get-instance-policies.ts'
import { getKey } from './get-key.ts'
import { getKeyMetadata } from './get-key-metadata.ts'
import { getKeyPolicies } from './get-key-policies.ts'
import { listKeyRings } from './list-key-rings.ts'
import { listKeyVersions } from './list-key-versions.ts'
import { listKeys } from './list-keys.ts'
import { listAllRegistrations, listRegistrations } from './list-registrations.ts'
import { notImplemented } from './not-implemented.ts'
import { patchKey } from './patch-key.ts'
import { purgeKey } from './purge-key.ts'
import { putInstancePolicies } from './put-instance-policies.ts'
import { putKeyPolicies } from './put-key-policies.ts'
import { replaceRegistration } from './replace-registration.ts'
import { restoreKey } from './restore-key.ts'
import { rewrapKey } from './rewrap-key.ts'
import { rotateKey } from './rotate-key.ts'
import { setKeyForDeletion } from './set-key-for-deletion.ts'
import { syncKey } from './sync-key.ts'
import { unknownAction } from './unknown-action.ts'
import { unsetKeyForDeletion } from './unset-key-for-deletion.ts'
import { unwrapKey } from './unwrap-key.ts'
import { wrapKey } from './wrap-key.ts'

export const OPERATIONS: readonly JsonOperation<KeyProtectContext>[] = [
  createKey,
  createKeyWithPolicies,
  listKeys,
  countKeys,
  getKey,
  getKeyMetadata,
  patchKey,
  deleteKey,
  purgeKey,
  listKeyVersions,
  ...wrapKey,
  ...unwrapKey,
  ...rewrapKey,
  ...rotateKey,
  ...disableKey,
  ...enableKey,
  ...restoreKey,
  ...setKeyForDeletion,
  ...unsetKeyForDeletion,
  syncKey,
  unknownAction,
  listRegistrations,
  listAllRegistrations,
  createRegistration,
  deleteRegistration,
  changeRegistration,
  replaceRegistration,
  createAlias,
  deleteAlias,
  putKeyPolicies,
  getKeyPolicies,
  putInstancePolicies,
  getInstancePolicies,
  getAllowedIpPort,
  createImportToken,
  getImportToken,
  listKeyRings,
  createKeyRing,
  deleteKeyRing,
  ...notImplemented,
]
