import type { RegistrationView } from '../../kms/registering.ts'
import { wireTime } from './envelope.ts'
import { versionResource } from './key-resource.ts'

export const registrationResource = (view: RegistrationView): object => ({
  keyId: view.keyId,
  keyName: view.keyName,
  resourceCrn: view.resourceCrn,
  createdBy: view.createdBy,
  creationDate: wireTime(view.createdAt),
  updatedBy: view.updatedBy,
  lastUpdated: wireTime(view.updatedAt),
  ...(view.description !== undefined && { description: view.description }),
  preventKeyDeletion: view.preventKeyDeletion,
  keyVersion: versionResource(view.keyVersion),
})
