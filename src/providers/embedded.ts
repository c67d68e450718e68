import { parseCrn } from '../base/crn.ts'
import { hasCode } from '../base/errors.ts'
import { isUuid } from '../base/ids.ts'
import { type Dek, dekFrom } from '../envelope/dek.ts'
import type { KeyCall, KeyProvider, KeyProviderErrorCode, WrappedDek } from '../envelope/key-provider.ts'
import type { Iam } from '../iam/iam.ts'
import type { Instance } from '../iam/instances.ts'
import type { KmsCaller } from '../kms/door.ts'
import type { KmsErrorCode } from '../kms/errors.ts'
import { KEY_STATE } from '../kms/key-states.ts'
import { keyCrn } from '../kms/key-view.ts'
import type { KmsService } from '../kms/service.ts'
import { failure, isFailure } from './common/failure.ts'

export interface EmbeddedProviderOptions {
  readonly kms: KmsService
  readonly iam: Pick<Iam, 'instance' | 'servicePrincipal'>
}

/**
 * Our own key management service, through its door and as the service that asks: authorization and key state are
 * looked up on every call, as a remote one would.
 */
export function embeddedProvider({ kms, iam }: EmbeddedProviderOptions): KeyProvider {
  const callerOf = (call: KeyCall, instanceGuid: string): KmsCaller => {
    const about = call.requestId === undefined ? {} : { correlationId: call.requestId }
    return { principal: iam.servicePrincipal(call.serviceInstanceCrn), instanceGuid, origin: 'process', ...about }
  }
  /** The key that a CRN names, as long as its instance is the one that it was found in: spelling CRNs out was 4 % of what a put allocates. */
  const named = new Map<string, { readonly instance: Instance; readonly key: string }>()
  /** Throws RootKeyNotFound. */
  const keyNamed = (rootKeyCrn: string): { readonly instance: Instance; readonly key: string } => {
    const { instance: instanceGuid, resource: key } = parseCrn(rootKeyCrn)
    const instance = iam.instance(instanceGuid)
    const known = named.get(rootKeyCrn)
    if (known && known.instance === instance) return known
    // The whole CRN counts: a key is not found under another region's or account's name, nor by an alias.
    // Nor in another spelling: usage, registrations and deletion go by the text of the CRN.
    const spelled = isUuid(key) && key === key.toLowerCase()
    if (instance?.service !== 'kms' || !spelled || keyCrn(instance, key) !== rootKeyCrn)
      throw failure('RootKeyNotFound')
    if (named.size >= MAX_NAMED) named.clear()
    const found = { instance, key }
    named.set(rootKeyCrn, found)
    return found
  }
  /** Throws RootKeyNotFound, or KeyAccessDenied for a service instance that does not exist. */
  const target = (call: KeyCall): { readonly caller: KmsCaller; readonly key: string } => {
    const { instance, key } = keyNamed(call.rootKeyCrn)
    return { caller: callerOf(call, instance.guid), key }
  }

  return {
    name: 'embedded',
    supports: { rewrap: true, aad: true, versions: true, registrations: true },
    // A small envelope each.
    derivesWrapKeys: () => true,
    wrap: (call, dek, context) =>
      told(() => {
        const { caller, key } = target(call)
        return kms.wrap(caller, key, dek.bytes, context)
      }),
    unwrap: (call, wrapped, context) =>
      told(() => {
        const { caller, key } = target(call)
        const { plaintext, keyVersion, rewrapped } = kms.unwrap(caller, key, wrapped.ciphertext, context)
        const dek = checkedDek(plaintext, keyVersion, wrapped)
        return rewrapped ? { dek, rewrapped } : { dek }
      }),
    rewrap: (call, wrapped, context) =>
      told(() => {
        const { caller, key } = target(call)
        const { ciphertext, keyVersion, previousVersion } = kms.rewrap(caller, key, wrapped.ciphertext, context)
        if (previousVersion !== wrapped.keyVersion) throw failure('WrappedDekForged')
        return { ciphertext, keyVersion }
      }),
    permit: (call, use) =>
      told(() => {
        const { caller, key } = target(call)
        kms.permit(caller, key, use)
      }),
    describe: (call) =>
      told(() => {
        const { caller, key } = target(call)
        return kms.describe(caller, key)
      }),
    find: (call) =>
      told(() => {
        const { account, region, instance: guid, resource } = parseCrn(call.rootKeyCrn)
        const instance = iam.instance(guid)
        const named = instance?.service === 'kms' && instance.accountId === account && instance.region === region
        if (!named) throw failure('RootKeyNotFound')
        return kms.describe(callerOf(call, guid), resource)
      }),
    register: (call, { resourceCrn, description, preventKeyDeletion, keyVersion }) =>
      told(async () => {
        const { caller, key } = target(call)
        await kms.register(caller, key, {
          resourceCrn,
          ...(description === undefined ? {} : { description }),
          ...(preventKeyDeletion === undefined ? {} : { preventKeyDeletion }),
          ...(keyVersion === undefined ? {} : { keyVersionId: keyVersion }),
        })
      }),
    deregister: (call, { resourceCrn }) =>
      told(() => {
        const { caller, key } = target(call)
        return kms.deregister(caller, key, resourceCrn)
      }),
    close: async () => {},
  }
}

const MAX_NAMED = 1024

function checkedDek(plaintext: Buffer, keyVersion: string, wrapped: WrappedDek): Dek {
  const dek = dekFrom(plaintext)
  if (plaintext.length === 32 && keyVersion === wrapped.keyVersion) return dek
  dek[Symbol.dispose]()
  throw failure('WrappedDekForged')
}

/** Whatever goes wrong, told in the contract's five codes. */
async function told<T>(act: () => T | Promise<T>): Promise<T> {
  try {
    return await act()
  } catch (error) {
    throw isFailure(error) ? error : failure(codeOf(error), error)
  }
}

const CODES: ReadonlyMap<string, KeyProviderErrorCode> = new Map<
  KmsErrorCode | 'InvalidCrn' | 'UnknownInstance',
  KeyProviderErrorCode
>([
  ['Unauthorized', 'KeyAccessDenied'],
  ['UnknownInstance', 'KeyAccessDenied'],
  ['ServiceOnly', 'KeyAccessDenied'],
  ['ForeignResource', 'KeyAccessDenied'],
  ['InvalidCrn', 'RootKeyNotFound'],
  ['InstanceNotFound', 'RootKeyNotFound'],
  ['KeyNotFound', 'RootKeyNotFound'],
  ['RootKeyRequired', 'RootKeyNotFound'],
  ['InvalidKeyState', 'RootKeyDisabled'],
  ['InvalidCiphertext', 'WrappedDekForged'],
])

function codeOf(error: unknown): KeyProviderErrorCode {
  if (!hasCode(error)) return 'KeyProviderUnavailable'
  // A deleted key is gone for object storage, though Key Protect could restore it.
  if (error.code === 'InvalidKeyState' && error.details['state'] === KEY_STATE.destroyed) return 'RootKeyNotFound'
  return CODES.get(error.code) ?? 'KeyProviderUnavailable'
}
