import { randomBytes, randomUUID } from 'node:crypto'
import { formatCrn } from '../../../src/base/crn.ts'
import { CodedError } from '../../../src/base/errors.ts'
import { uuidToBytes } from '../../../src/base/ids.ts'
import { type Dek, dekFrom } from '../../../src/envelope/dek.ts'
import type {
  KeyCall,
  KeyProvider,
  KeyProviderErrorCode,
  KeyUse,
  WrapContext,
} from '../../../src/envelope/key-provider.ts'
import { openSmall, SMALL_KIND, sealSmall } from '../../../src/envelope/small-envelope.ts'

interface RootKey {
  state: 'active' | 'deactivated' | 'disabled' | 'removed'
  readonly standard: boolean
  readonly versions: { readonly id: string; readonly material: Buffer }[]
}

/** A key management service in memory, whose answers a test can change behind the provider's back. */
export function memoryKeyProvider() {
  const account = '0'.repeat(32)
  const keys = new Map<string, RootKey>()
  const authorized = new Set<string>()
  const calls: string[] = []
  let reachable = true

  const newKey = (standard: boolean): string => {
    const key = { service: 'kms', region: 'us-south', account, instance: 'keys', resourceType: 'key' }
    const crn = formatCrn({ ...key, resource: randomUUID() })
    keys.set(crn, { state: 'active', standard, versions: [newVersion()] })
    return crn
  }
  const keyAt = (crn: string): RootKey => keys.get(crn) ?? fail('RootKeyNotFound')

  const setState = (crn: string, state: RootKey['state']): void => {
    keyAt(crn).state = state
  }

  const admit = async (name: string, call: KeyCall, use: KeyUse): Promise<RootKey> => {
    calls.push(name)
    await Promise.resolve()
    if (!reachable) fail('KeyProviderUnavailable')
    if (!authorized.has(call.serviceInstanceCrn)) fail('KeyAccessDenied')
    const key = keyAt(call.rootKeyCrn)
    if (key.standard || key.state === 'removed') fail('RootKeyNotFound')
    if (key.state === 'disabled' || (key.state === 'deactivated' && use === 'wrap')) fail('RootKeyDisabled')
    return key
  }
  const wrapNow = (key: RootKey, call: KeyCall, dek: Dek, context: WrapContext) => {
    const { id, material } = key.versions.at(-1) ?? fail('RootKeyNotFound')
    const sealing = { kind: SMALL_KIND.wrap, key: material, keyRef: uuidToBytes(id) }
    return { ciphertext: sealSmall({ ...sealing, context: [call.rootKeyCrn, ...context] }, dek.bytes), keyVersion: id }
  }

  const provider: KeyProvider = {
    name: 'memory',
    supports: { rewrap: true, aad: true, versions: true, registrations: false },
    wrap: async (call, dek, context) => wrapNow(await admit('wrap', call, 'wrap'), call, dek, context),
    unwrap: async (call, wrapped, context) => {
      const key = await admit('unwrap', call, 'unwrap')
      const version = key.versions.find(({ id }) => id === wrapped.keyVersion) ?? fail('WrappedDekForged')
      const dek = dekFrom(open(version.material, [call.rootKeyCrn, ...context], wrapped.ciphertext))
      return version === key.versions.at(-1) ? { dek } : { dek, rewrapped: wrapNow(key, call, dek, context) }
    },
    rewrap: async (call, wrapped, context) => {
      const { dek, rewrapped } = await provider.unwrap(call, wrapped, context)
      using _opened = dek
      return rewrapped ?? wrapped
    },
    permit: async (call, use) => void (await admit(`permit ${use}`, call, use)),
    describe: async (call) => {
      const key = await admit('describe', call, 'wrap')
      return { crn: call.rootKeyCrn, keyVersion: key.versions.at(-1)?.id ?? '', region: 'us-south' }
    },
    find: (call) => provider.describe(call),
    register: async () => {},
    deregister: async () => {},
    close: async () => {},
  }

  return {
    provider,
    /** Names of the calls that arrived, in order. */
    calls,
    newRootKey: async () => newKey(false),
    standardKey: async () => newKey(true),
    newServiceInstance: async () => {
      const instance = { service: 'cloud-object-storage', region: 'global', account, instance: randomUUID() }
      return formatCrn(instance)
    },
    authorize: async (serviceInstanceCrn: string) => void authorized.add(serviceInstanceCrn),
    revoke: async (serviceInstanceCrn: string) => void authorized.delete(serviceInstanceCrn),
    disable: async (crn: string) => setState(crn, 'disabled'),
    enable: async (crn: string) => setState(crn, 'active'),
    expiringKey: async () => {
      const rootKeyCrn = newKey(false)
      return { rootKeyCrn, expire: async () => setState(rootKeyCrn, 'deactivated') }
    },
    remove: async (crn: string) => setState(crn, 'removed'),
    /** The service comes back from elsewhere: other material under the same name, with or without the same version ids. */
    exchange: (crn: string, versions: 'same ids' | 'other ids'): { readonly putBack: () => void } => {
      const key = keyAt(crn)
      const right = [...key.versions]
      const wrong = right.map(({ id }) => (versions === 'same ids' ? { ...newVersion(), id } : newVersion()))
      key.versions.splice(0, key.versions.length, ...wrong)
      return { putBack: () => void key.versions.splice(0, key.versions.length, ...right) }
    },
    /** An older copy of the service comes back: the newest version is lost. */
    forgetNewest: (crn: string): { readonly putBack: () => void } => {
      const { versions } = keyAt(crn)
      const lost = versions.splice(-1)
      return { putBack: () => void versions.push(...lost) }
    },
    rotate: async (crn: string) => void keyAt(crn).versions.push(newVersion()),
    disconnect: async () => {
      reachable = false
    },
    reconnect: async () => {
      reachable = true
    },
    close: async () => {},
  }
}

const newVersion = () => ({ id: randomUUID(), material: randomBytes(32) })

function open(material: Buffer, context: readonly string[], ciphertext: Buffer): Buffer {
  try {
    return openSmall({ kind: SMALL_KIND.wrap, key: material, context }, ciphertext)
  } catch {
    return fail('WrappedDekForged')
  }
}

function fail(code: KeyProviderErrorCode): never {
  throw new CodedError(code, 'refused by the fake')
}
