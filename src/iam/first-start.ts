import { newUuid } from '../base/ids.ts'
import type { Iam } from './iam.ts'
import { newAccessKeyId, newApiKeyText, newSecretAccessKey, newUserIamId } from './new-secrets.ts'

/** Secrets in clear, for the operator's eyes, once: nothing keeps them in this form. */
export interface FirstStart {
  readonly accountId: string
  readonly iamId: string
  readonly objectStorageCrn: string
  readonly keyProtectInstance: string
  readonly keyProtectRegion: string
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly apiKey: string
}

const REGION = 'us-south'

/**
 * Makes an account, an object storage and a Key Protect instance, and an administrator with random credentials, all or
 * nothing. Undefined, and nothing done, when there is any account.
 */
export async function firstStart(iam: Iam): Promise<FirstStart | undefined> {
  if (iam.isFounded()) return undefined
  const accountId = newUuid().replaceAll('-', '')
  const objects = { guid: newUuid(), service: 'cloud-object-storage', region: 'global', name: 'objects' } as const
  const keys = { guid: newUuid(), service: 'kms', region: REGION, name: 'keys' } as const
  const iamId = newUserIamId()
  const secrets = { accessKeyId: newAccessKeyId(), secretAccessKey: newSecretAccessKey(), apiKey: newApiKeyText() }
  await iam.identities.found({
    account: { id: accountId, name: 'main' },
    instances: [objects, keys],
    user: {
      iamId,
      name: 'Administrator',
      email: '',
      roles: { 'cloud-object-storage': 'Manager', kms: 'Manager', iam: 'Administrator' },
    },
    hmac: secrets,
    apiKey: secrets.apiKey,
  })
  const objectStorageCrn = iam.instance(objects.guid)?.crn ?? ''
  return { accountId, iamId, objectStorageCrn, keyProtectInstance: keys.guid, keyProtectRegion: REGION, ...secrets }
}
