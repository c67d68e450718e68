import { same } from './check.ts'

interface Reply<Result> {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly result: Result
}
export interface Key {
  readonly id: string
  readonly crn: string
  readonly state: number
  readonly extractable: boolean
  readonly imported: boolean
}
export interface Collection<Resource> {
  readonly metadata: { readonly collectionTotal: number }
  readonly resources?: readonly Resource[]
}
type Call<Result> = (parameters: object) => Promise<Reply<Result>>
export interface KeyProtect {
  readonly createKey: Call<Collection<Key>>
  readonly getKeys: Call<Collection<Key>>
  readonly getKey: Call<Collection<Key & { readonly payload?: string }>>
  readonly getKeyMetadata: Call<Collection<Key>>
  readonly getKeyCollectionMetadata: Call<unknown>
  readonly getKeyVersions: Call<Collection<{ readonly id: string }>>
  readonly wrapKey: Call<{ readonly plaintext?: string; readonly ciphertext: string }>
  readonly unwrapKey: Call<{ readonly plaintext: string; readonly ciphertext?: string }>
  readonly rewrapKey: Call<{ readonly ciphertext: string }>
  readonly rotateKey: Call<unknown>
  readonly disableKey: Call<unknown>
  readonly enableKey: Call<unknown>
  readonly deleteKey: Call<unknown>
  readonly restoreKey: Call<unknown>
  readonly createKeyAlias: Call<Collection<{ readonly alias: string }>>
  readonly deleteKeyAlias: Call<unknown>
  readonly setKeyForDeletion: Call<unknown>
  readonly unsetKeyForDeletion: Call<unknown>
  readonly syncAssociatedResources: Call<unknown>
  readonly putPolicy: Call<Collection<Policy>>
  readonly getPolicy: Call<Collection<Policy>>
  readonly putInstancePolicy: Call<unknown>
  readonly getInstancePolicy: Call<Collection<{ readonly policy_type: string; readonly policy_data: object }>>
  readonly getAllowedIpPort: Call<Collection<{ readonly private_endpoint_port: number }>>
  readonly listKeyRings: Call<Collection<{ readonly id: string }>>
  readonly createKeyRing: Call<unknown>
  readonly deleteKeyRing: Call<unknown>
}
interface Policy {
  readonly rotation?: object
  readonly dualAuthDelete?: object
}

export const KEY_TYPE = 'application/vnd.ibm.kms.key+json'

export function only<Resource>({ metadata, resources = [] }: Collection<Resource>): Resource {
  const [resource] = resources
  same('collectionTotal', [metadata.collectionTotal, resources.length], [1, 1])
  if (resource === undefined) throw new Error('no resource')
  return resource
}

export async function refused(call: () => Promise<unknown>, status: number): Promise<void> {
  const answer = await call().then(() => 'done', statusOf)
  same('status', answer, status)
}

export const statusOf = (error: unknown): unknown =>
  typeof error === 'object' && error !== null && 'status' in error ? error.status : error
