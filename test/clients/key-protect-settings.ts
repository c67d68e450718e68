import { same } from './check.ts'
import type { Step } from './client.ts'
import { KEY_TYPE, type KeyProtect, only, refused } from './key-protect-client.ts'

const POLICY_TYPE = 'application/vnd.ibm.kms.policy+json'
const RING = 'ring-of-the-clients-run'

/** Aliases, key rings and policies, on a key of their own. */
export function settingSteps(client: KeyProtect, bluemixInstance: string): readonly Step[] {
  const key = { id: '' }
  const about = (more: object = {}): object => ({ bluemixInstance, id: key.id, ...more })
  const policies = (resource: object) => ({
    metadata: { collectionType: POLICY_TYPE, collectionTotal: 1 },
    resources: [resource],
  })
  const instancePolicy = (policy: string, policy_data: object) =>
    client.putInstancePolicy({
      bluemixInstance,
      policy,
      setInstancePoliciesOneOf: policies({ policy_type: policy, policy_data }),
    })
  return [
    {
      name: 'key rings',
      run: async () => {
        same('status', (await client.createKeyRing({ bluemixInstance, keyRingId: RING })).status, 201)
        const { resources = [] } = (await client.listKeyRings({ bluemixInstance })).result
        same('rings', resources.map(({ id }) => id).filter((id) => id === 'default' || id === RING).length, 2)
        const { result } = await client.createKey({
          bluemixInstance,
          xKmsKeyRing: RING,
          body: {
            metadata: { collectionType: KEY_TYPE, collectionTotal: 1 },
            resources: [{ type: KEY_TYPE, name: 'key with settings', extractable: false }],
          },
        })
        key.id = only(result).id
        same(
          'keys in the ring',
          (await client.getKeys({ bluemixInstance, xKmsKeyRing: RING })).result.resources?.length,
          1,
        )
        await refused(() => client.getKey(about({ xKmsKeyRing: 'default' })), 404)
        await refused(() => client.deleteKeyRing({ bluemixInstance, keyRingId: RING }), 409)
      },
    },
    {
      name: 'aliases',
      run: async () => {
        same('status', (await client.createKeyAlias(about({ alias: 'clients-run' }))).status, 201)
        same('id', only((await client.getKeyMetadata({ bluemixInstance, id: 'clients-run' })).result).id, key.id)
        same('status', (await client.deleteKeyAlias(about({ alias: 'clients-run' }))).status, 204)
        await refused(() => client.getKeyMetadata({ bluemixInstance, id: 'clients-run' }), 404)
      },
    },
    {
      name: 'key policies',
      run: async () => {
        const rotation = { type: POLICY_TYPE, rotation: { interval_month: 3 } }
        const put = { policy: 'rotation', setKeyPoliciesOneOf: policies(rotation) }
        same('status', (await client.putPolicy(about(put))).status, 200)
        same('rotation', only((await client.getPolicy(about({ policy: 'rotation' }))).result).rotation, {
          enabled: true,
          interval_month: 3,
        })
        await refused(() => client.putPolicy(about({ ...put, policy: 'dualAuthDelete' })), 400)
      },
    },
    {
      name: 'dual authorization',
      run: async () => {
        await refused(() => client.setKeyForDeletion(about()), 409)
        const dualAuth = { type: POLICY_TYPE, dualAuthDelete: { enabled: true } }
        await client.putPolicy(about({ policy: 'dualAuthDelete', setKeyPoliciesOneOf: policies(dualAuth) }))
        same('status', (await client.setKeyForDeletion(about())).status, 204)
        await refused(() => client.deleteKey(about({ force: true })), 409)
        same('status', (await client.unsetKeyForDeletion(about())).status, 204)
      },
    },
    {
      name: 'synchronisation',
      run: async () => {
        same('status', (await client.syncAssociatedResources(about())).status, 204)
        await refused(() => client.syncAssociatedResources(about()), 409)
      },
    },
    {
      name: 'instance policies',
      run: async () => {
        const on = await instancePolicy('rotation', { enabled: true, attributes: { interval_month: 2 } })
        same('status', on.status, 204)
        const { result } = await client.getInstancePolicy({ bluemixInstance, policy: 'rotation' })
        same('policy', only(result).policy_data, { enabled: true, attributes: { interval_month: 2 } })
        await refused(() => instancePolicy('allowedIP', { enabled: true }), 400)
        await instancePolicy('rotation', { enabled: false })
        const { private_endpoint_port } = only((await client.getAllowedIpPort({ bluemixInstance })).result)
        same('port', Number.isInteger(private_endpoint_port), true)
      },
    },
  ]
}
