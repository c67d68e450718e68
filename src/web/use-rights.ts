import type { RootKey } from './client/key-protect.ts'
import { RIGHTS, type Right } from './client/rights.ts'
import { type Instance, keyInstances, objectInstances } from './client/session.ts'
import { refusedActions } from './client/simulate.ts'
import { useLoad } from './use-load.ts'

/** Why something cannot be done: `Needs Manager on eu-keys`. Undefined: it can be tried. */
export type Missing = (right: Right) => string | undefined

/**
 * Asks which of the rights whoever is signed in lacks. `resource`: a bucket, `bucket/key`, or a CRN; `on`: what people call the
 * place where a role would give them.
 */
export function useRights(resource: string, on: string, rights: readonly Right[]): Missing {
  const refused = useLoad(() => refusedActions(resource, rights), [resource, ...rights], {
    topics: ['access'],
  })
  return (right) => (refused.value?.has(right) ? `Needs ${RIGHTS[right]} on ${on}` : undefined)
}

/** `key`: of the objects that it is about. */
export const useBucketRights = (bucket: string, rights: readonly Right[], key?: string): Missing =>
  useRights(key === undefined ? bucket : `${bucket}/${key}`, storageName(), rights)

/** The instances of object storage of the account, as roles on them are given. */
export const storageName = (): string =>
  objectInstances()
    .map(({ name }) => name)
    .join(', ') || 'Object Storage'

export const useCreateBucketRight = (): string | undefined =>
  useRights(objectInstances()[0]?.crn ?? '', storageName(), ['s3:CreateBucket'])('s3:CreateBucket')

/** To make root keys, where there is one place for them. */
export function useCreateKeyRight(): string | undefined {
  const [first] = keyInstances()
  const missing = useRights(first?.crn ?? '', first?.name ?? 'Key Protect', ['kms.secrets.create'])
  // Of several, each asks by itself when the key is made.
  return keyInstances().length > 1 ? undefined : missing('kms.secrets.create')
}

/** To let another service act on the keys, where there is one place for them. */
export function useAuthorizeRight(): string | undefined {
  const [first] = keyInstances()
  const missing = useRights(first?.crn ?? '', first?.name ?? 'Key Protect', ['iam.policy.create'])
  return keyInstances().length > 1 ? undefined : missing('iam.policy.create')
}

const OF_KEYS = [
  ...(['rotate', 'disable', 'enable', 'delete', 'restore', 'purge'] as const).map(
    (name) => `kms.secrets.${name}` as const,
  ),
  ...(['kms.policies.write', 'kms.secrets-alias.create', 'kms.secrets-alias.delete'] as const),
]

export const useKeyRights = (instance: Instance, rootKey: Pick<RootKey, 'crn'>): Missing =>
  useRights(rootKey.crn, instance.name, OF_KEYS)
