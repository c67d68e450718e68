import { parseCrn } from '../../src/base/crn.ts'
import { newUuid } from '../../src/base/ids.ts'
import { openIam } from '../../src/iam/iam.ts'
import type { KmsCaller } from '../../src/kms/door.ts'
import { openKms } from '../../src/kms/service.ts'
import { DEFAULT_KMS_SETTINGS } from '../../src/kms/settings.ts'
import { embeddedProvider } from '../../src/providers/embedded.ts'
import { memoryStore } from '../../src/storage/metadata/memory-store.ts'
import { ACCOUNT, MANAGER } from '../support/kms-world.ts'
import { type KeyProviderUnderTest, keyProviderSuite } from './key-provider.ts'

const KEYS = newUuid()

async function open(): Promise<KeyProviderUnderTest> {
  const store = memoryStore()
  let passedMs = 0
  const clock = { now: () => Date.now() + passedMs }
  const secrets = { secretKey: Buffer.alloc(32, 1), tokenKey: Buffer.alloc(32, 2), issuer: 'https://iam.example' }
  const iam = await openIam({ store, clock, ...secrets })
  await iam.identities.putAccount({ id: ACCOUNT, name: 'main' })
  await iam.identities.putInstance({
    accountId: ACCOUNT,
    service: 'kms',
    guid: KEYS,
    name: 'keys',
    region: 'us-south',
  })
  const settings = { ...DEFAULT_KMS_SETTINGS, enableDelayMs: 0, rotateIntervalMs: 0 }
  const kms = await openKms({ store, sealingKey: Buffer.alloc(32, 3), iam, clock, settings })
  const manager: KmsCaller = { principal: MANAGER, instanceGuid: KEYS, origin: 'wire' }
  const idOf = (crn: string) => parseCrn(crn).resource
  const newKey = async (extractable: boolean) => (await kms.createKey(manager, { name: 'a key', extractable })).key.crn
  const authorizations = new Map<string, string>()
  return {
    provider: embeddedProvider({ kms, iam }),
    newRootKey: () => newKey(false),
    expiringKey: async () => {
      const expiresAt = clock.now() + 60_000
      const { key } = await kms.createKey(manager, { name: 'expiring', extractable: false, expiresAt })
      return {
        rootKeyCrn: key.crn,
        expire: async () => {
          passedMs += 60_000
        },
      }
    },
    alias: async (crn) => {
      const name = `alias-of-${idOf(crn)}`
      await kms.createAlias(manager, idOf(crn), name)
      return crn.replace(idOf(crn), name)
    },
    standardKey: () => newKey(true),
    newServiceInstance: async () => {
      const guid = newUuid()
      const service = 'cloud-object-storage'
      return (
        await iam.identities.putInstance({ accountId: ACCOUNT, service, guid, name: 'objects', region: 'global' })
      ).crn
    },
    authorize: async (crn) => {
      const draft = {
        accountId: ACCOUNT,
        source: { serviceName: 'cloud-object-storage', accountId: ACCOUNT, serviceInstance: parseCrn(crn).instance },
        target: { serviceName: 'kms', serviceInstance: { value: KEYS, operator: 'stringEquals' } },
        roles: ['Reader'],
      } as const
      authorizations.set(crn, (await iam.authorizations.create(draft, MANAGER.iamId)).id)
    },
    revoke: (crn) => iam.authorizations.delete(authorizations.get(crn) ?? '', MANAGER.iamId),
    disable: (crn) => kms.disableKey(manager, idOf(crn)),
    enable: (crn) => kms.enableKey(manager, idOf(crn)),
    remove: async (crn) => {
      await kms.deleteKey(manager, idOf(crn), { force: true })
    },
    rotate: (crn) => kms.rotateKey(manager, idOf(crn)),
    close: async () => kms.close(),
  }
}

keyProviderSuite('embedded', open)
