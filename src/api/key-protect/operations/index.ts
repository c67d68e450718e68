import type { JsonOperation } from '../../common/json-operation.ts'
import type { KeyProtectContext } from '../context.ts'
import { changeRegistrations } from './change-registrations.ts'
import { countKeys } from './count-keys.ts'
import { createAlias } from './create-alias.ts'
import { createKey } from './create-key.ts'
import { createRegistration } from './create-registration.ts'
import { deleteAlias } from './delete-alias.ts'
import { deleteKey } from './delete-key.ts'
import { deleteRegistration } from './delete-registration.ts'
import { disableKey } from './disable-key.ts'
import { enableKey } from './enable-key.ts'
import { getKey } from './get-key.ts'
import { getKeyMetadata } from './get-key-metadata.ts'
import { listKeyVersions } from './list-key-versions.ts'
import { listKeys } from './list-keys.ts'
import { listAllRegistrations, listRegistrations } from './list-registrations.ts'
import { notImplemented } from './not-implemented.ts'
import { restoreKey } from './restore-key.ts'
import { rewrapKey } from './rewrap-key.ts'
import { rotateKey } from './rotate-key.ts'
import { unknownAction } from './unknown-action.ts'
import { unwrapKey } from './unwrap-key.ts'
import { wrapKey } from './wrap-key.ts'

export const OPERATIONS: readonly JsonOperation<KeyProtectContext>[] = [
  createKey,
  listKeys,
  countKeys,
  getKey,
  getKeyMetadata,
  deleteKey,
  listKeyVersions,
  ...wrapKey,
  ...unwrapKey,
  ...rewrapKey,
  ...rotateKey,
  ...disableKey,
  ...enableKey,
  ...restoreKey,
  unknownAction,
  listRegistrations,
  listAllRegistrations,
  createRegistration,
  deleteRegistration,
  ...changeRegistrations,
  createAlias,
  deleteAlias,
  ...notImplemented,
]
