import type { RegistrationView } from '../../kms/select-registrations.ts'
import { wireTime } from './envelope.ts'
import { versionResource } from './key-resource.ts'
import type { RegistrationAnswer } from './reply-schemas.ts'

export const registrationResource = (view: RegistrationView): RegistrationAnswer => ({
  keyId: view.keyId,
  keyName: view.keyName,
  resourceCrn: view.resourceCrn,
  createdBy: view.createdBy,
  creationDate: wireTime(view.createdAt),
  updatedBy: view.updatedBy,
  lastUpdated: wireTime(view.updatedAt),
  ...(view.description !== undefined && { description: view.description }),
  ...(view.registrationMetadata !== undefined && { registrationMetadata: view.registrationMetadata }),
  preventKeyDeletion: view.preventKeyDeletion,
  keyVersion: versionResource(view.keyVersion),
})
