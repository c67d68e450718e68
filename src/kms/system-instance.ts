import { isUuid, newUuid } from '../base/ids.ts'
import type { Iam } from '../iam/iam.ts'
import type { Instance } from '../iam/instances.ts'
import type { MetadataStore } from '../storage/metadata/metadata-store.ts'
import type { KeyEntry } from './catalog.ts'
import { type Actor, changeKey, type KmsContext } from './context.ts'
import { createKey } from './create-key.ts'
import type { Door } from './door.ts'
import { kmsError } from './errors.ts'
import { keyCrn } from './key-view.ts'
import { KMS_SPACE, systemRow } from './keyspace.ts'
import { addVersion } from './rotate-key.ts'

const INSTANCE_ROW = systemRow('service-instance')
const SERVICE_REGION = 'global'

/** The server's own key management instance; only object storage, inside this process, is authorised to use its key. */
export async function declareServiceInstance(
  store: MetadataStore,
  iam: Pick<Iam, 'declareSystemInstance' | 'declareSystemAuthorization'>,
): Promise<Instance> {
  const id = await serviceInstanceId(store)
  const instance = iam.declareSystemInstance({ service: 'kms', guid: id, name: 'service keys', region: SERVICE_REGION })
  iam.declareSystemAuthorization({
    source: { service: 'cloud-object-storage' },
    target: { service: 'kms', instance: id },
    roles: ['Reader'],
  })
  return instance
}

async function serviceInstanceId(store: MetadataStore): Promise<string> {
  const stored = await store.get(KMS_SPACE.system, INSTANCE_ROW)
  if (stored) {
    const id = stored.value.toString('utf8')
    if (!isUuid(id)) throw kmsError('KeyDamaged', 'the id of the service instance does not decode')
    return id
  }
  const id = newUuid()
  await store.commit([
    { type: 'put', space: KMS_SPACE.system, key: INSTANCE_ROW, value: Buffer.from(id, 'utf8'), if: null },
  ])
  return id
}

/** New material for the root key of provider-managed encryption; what it protects is rewrapped as after any rotation. */
export async function rotateServiceRootKey(
  context: KmsContext,
  instance: Instance,
  byItself: Door['byItself'],
): Promise<void> {
  const key = keyNamed(context, instance, SERVICE_KEY)
  if (!key) return
  const actor: Actor = { iamId: `crn-${instance.crn}`, instanceId: instance.guid }
  await changeKey(context, actor, key.id, (entry) =>
    byItself('kms.secrets.rotate', instance.guid, entry.id, async (note) =>
      note({ keyVersion: (await addVersion(context, entry)).id }),
    ),
  )
}

/** CRN of the root key of provider-managed encryption; the key is created when there is none. */
export const ensureServiceRootKey = (context: KmsContext, instance: Instance): Promise<string> =>
  ensureKey(context, instance, SERVICE_KEY)

/** CRN of an account's own key for those who ask for a root key and name none, as AWS has one for each account. */
export const ensureAccountRootKey = (context: KmsContext, instance: Instance, accountId: string): Promise<string> =>
  ensureKey(context, instance, `aws-s3-${accountId}`)

const SERVICE_KEY = 'provider-managed'

const keyNamed = ({ catalog }: KmsContext, instance: Instance, name: string): KeyEntry | undefined =>
  Array.from(catalog.keysOf(instance.guid)).find(({ record }) => record.name === name)

function ensureKey(context: KmsContext, instance: Instance, name: string): Promise<string> {
  const actor: Actor = { iamId: `crn-${instance.crn}`, instanceId: instance.guid }
  return context.serial.run('service root key', async () => {
    const existing = keyNamed(context, instance, name)
    // Another one in its place would protect new buckets, and nobody would miss the key that the others need.
    const [damaged] = context.catalog.damagedOf(instance.guid)
    if (!existing && damaged !== undefined) return keyCrn(instance, damaged)
    const key = existing ?? (await createKey(context, actor, { name, extractable: false }))
    return keyCrn(instance, key.id)
  })
}
