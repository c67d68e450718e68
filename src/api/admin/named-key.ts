import { z } from 'zod'
import { parseCrn } from '../../base/crn.ts'
import { CodedError } from '../../base/errors.ts'
import type { KmsErrorCode } from '../../kms/errors.ts'
import type { KeyUsage } from '../../objects/key-usage.ts'
import type { RequestErrorCode } from '../common/request.ts'
import type { AdminContext } from './context.ts'

export const takesKey = z.object({ crn: z.string().meta({ description: 'CRN of the root key.' }) })

/**
 * What lies under the key. "Not used" must not be the answer to a misspelt name: somebody deletes a key on the strength of
 * it. Throws BadQuery, and KeyNotFound to who may see every use.
 */
export async function knownKey(
  { objects, knowsKey }: Pick<AdminContext, 'objects' | 'knowsKey'>,
  rootKeyCrn: string,
  seesAll: boolean,
): Promise<KeyUsage> {
  if (!namesKey(rootKeyCrn)) {
    throw new CodedError<RequestErrorCode>('BadQuery', 'crn is not the CRN of a root key: crn:v1:…:kms:…:key:<key id>')
  }
  const usage = await objects.keyUsage(rootKeyCrn)
  if (seesAll && usage.buckets.length === 0 && knowsKey(rootKeyCrn) === false) {
    throw new CodedError<KmsErrorCode>('KeyNotFound', 'There is no root key of this CRN.')
  }
  return usage
}

function namesKey(crn: string): boolean {
  const { service, resourceType, instance, resource } = parseCrn(crn)
  return service === 'kms' && resourceType === 'key' && instance !== '' && resource !== ''
}
