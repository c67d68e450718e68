import type { ServiceName } from '../../iam/principal.ts'
import type { StoredResourceKey } from '../../iam/records.ts'
import { type ResourceKeySecrets, resourceKeyCrn } from '../../iam/resource-keys.ts'
import { resourceIdOf } from '../../iam/service-plans.ts'
import type { CredentialsAnswer, RedactedAnswer, ResourceKeyAnswer, ToldCredentialsAnswer } from './reply-schemas.ts'
import { isoTime } from './resource-list.ts'
import { serviceIdCrn } from './service-id-wire.ts'

/** Why secrets are not told: the caller may not see them, or nobody may any more. */
export type Redaction = RedactedAnswer['REDACTED']

export function writeResourceKey(key: StoredResourceKey, credentials: ToldCredentialsAnswer): ResourceKeyAnswer {
  const { id, accountId, name, sourceCrn, sourceGuid, resourceGroupId, life, removed, onetimeCredentials } = key
  const crn = resourceKeyCrn(key)
  return {
    id: crn,
    guid: id,
    url: `/v2/resource_keys/${id}`,
    crn,
    name,
    account_id: accountId,
    source_crn: sourceCrn,
    resource_group_id: resourceGroupId,
    resource_id: resourceIdOf(serviceOfKey(key)),
    resource_instance_url: `/v2/resource_instances/${sourceGuid}`,
    resource_alias_url: null,
    state: removed ? 'removed' : 'active',
    iam_compatible: true,
    migrated: false,
    onetime_credentials: onetimeCredentials,
    created_at: isoTime(life.createdAtMs),
    created_by: life.createdBy,
    updated_at: isoTime(life.modifiedAtMs),
    updated_by: life.history.at(-1)?.iamId ?? '',
    deleted_at: removed ? isoTime(removed.atMs) : null,
    deleted_by: removed?.by ?? '',
    ...(removed ? {} : { credentials }),
  }
}

export const serviceOfKey = ({ sourceCrn }: StoredResourceKey): ServiceName =>
  sourceCrn.split(':')[4] === 'kms' ? 'kms' : 'cloud-object-storage'

/**
 * The API key is told at creation only, as nothing but its hash is kept. The HMAC pair is told again to those who may have
 * it, as with IBM: SigV4 needs the secret itself, so it is kept, sealed.
 */
export function writeCredentials(key: StoredResourceKey, { apiKey, hmac }: ResourceKeySecrets): CredentialsAnswer {
  const { id, accountId, name, sourceCrn, iamId, apiKeyId, roleCrn } = key
  return {
    ...(apiKey === undefined ? {} : { apikey: apiKey }),
    ...(hmac ? { cos_hmac_keys: { access_key_id: hmac.accessKeyId, secret_access_key: hmac.secretAccessKey } } : {}),
    iam_apikey_description: `Auto-generated for key ${id}`,
    iam_apikey_id: apiKeyId,
    iam_apikey_name: name,
    ...(roleCrn === undefined ? {} : { iam_role_crn: roleCrn }),
    iam_serviceid_crn: serviceIdCrn(accountId, iamId.slice('iam-'.length)),
    resource_instance_id: sourceCrn,
  }
}

export const redacted = (why: Redaction): RedactedAnswer => ({ REDACTED: why })
