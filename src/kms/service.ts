import type { Clock } from '../base/clock.ts'
import { createSerial } from '../base/serial.ts'
import type { Iam } from '../iam/iam.ts'
import type { MetadataStore } from '../storage/metadata/metadata-store.ts'
import { createAlias, deleteAlias } from './aliasing.ts'
import { deleteKey, disableKey, enableKey, restoreKey } from './change-state.ts'
import { clockWatch } from './clock-watch.ts'
import { type KmsContext, newestVersion, requireKey, requireUsable } from './context.ts'
import { createKey, type NewKey } from './create-key.ts'
import { createDoor, type KmsAuditEvent, type KmsCaller } from './door.ts'
import { type AliasView, type KeyVersionView, type KeyView, keyCrn, keyView } from './key-view.ts'
import { KMS_SPACE, rowsUnder } from './keyspace.ts'
import { loadCatalog } from './load-catalog.ts'
import { createMaterials } from './material.ts'
import { type KeyFilter, type Page, type PageOf, pageOf, readPayload, selectKeys, versionViews } from './read-keys.ts'
import {
  assertOwnResource,
  deregister,
  type NewRegistration,
  type RegistrationFilter,
  type RegistrationView,
  register,
  selectRegistrations,
} from './registering.ts'
import { rotateKey } from './rotate-key.ts'
import type { KmsSettings } from './settings.ts'
import { createSweeper, type SweepReport } from './sweep.ts'
import { declareServiceInstance, ensureServiceRootKey } from './system-instance.ts'
import { type Aad, type Rewrapped, rewrap, type Unwrapped, unwrap, type Wrapped, wrap, wrapNew } from './wrapping.ts'

/** With the payload of a standard key, which the caller zeroes; never with a root key's. */
export interface KeyWithPayload {
  readonly key: KeyView
  readonly payload?: Buffer
}

/**
 * THE ONE DOOR to the keys: every call authorises its caller, acts, and is audited. `key` is an id or an alias.
 * Every call throws InstanceNotFound, Unauthorized, and, with a key, KeyNotFound, KeyUnavailable, KeyDamaged.
 */
export interface KmsService {
  readonly createKey: (caller: KmsCaller, key: NewKey) => Promise<KeyWithPayload>
  readonly listKeys: (caller: KmsCaller, filter: KeyFilter, page: Page) => PageOf<KeyView>
  readonly countKeys: (caller: KmsCaller, filter: KeyFilter) => number
  readonly getKey: (caller: KmsCaller, key: string) => KeyWithPayload
  readonly getKeyMetadata: (caller: KmsCaller, key: string) => KeyView
  readonly listKeyVersions: (caller: KmsCaller, key: string, page: Page) => PageOf<KeyVersionView>
  readonly deleteKey: (caller: KmsCaller, key: string, options: { readonly force: boolean }) => Promise<KeyView>
  readonly restoreKey: (caller: KmsCaller, key: string, payload?: Buffer) => Promise<KeyView>
  readonly rotateKey: (caller: KmsCaller, key: string, payload?: Buffer) => Promise<void>
  readonly disableKey: (caller: KmsCaller, key: string) => Promise<void>
  readonly enableKey: (caller: KmsCaller, key: string) => Promise<void>
  /** The plaintext stays the caller's. */
  readonly wrap: (caller: KmsCaller, key: string, plaintext: Uint8Array, aad: Aad) => Wrapped
  /** Of 32 fresh random bytes; the caller zeroes them. */
  readonly wrapNew: (caller: KmsCaller, key: string, aad: Aad) => Wrapped & { readonly plaintext: Buffer }
  readonly unwrap: (caller: KmsCaller, key: string, ciphertext: Buffer, aad: Aad) => Unwrapped
  readonly rewrap: (caller: KmsCaller, key: string, ciphertext: Buffer, aad: Aad) => Rewrapped
  /** Throws what `wrap` or `unwrap` would right now. To wrap is of use only to a caller who may also unwrap. */
  readonly permit: (caller: KmsCaller, key: string, use: 'wrap' | 'unwrap') => void
  /** A root key that the caller may wrap with right now. */
  readonly describe: (
    caller: KmsCaller,
    key: string,
  ) => { readonly crn: string; readonly keyVersion: string; readonly region: string }
  readonly register: (caller: KmsCaller, key: string, registration: NewRegistration) => Promise<void>
  /** A service takes back what it registered also when it is no longer authorized: it must not bind the key for ever. */
  readonly deregister: (caller: KmsCaller, key: string, resourceCrn: string) => Promise<void>
  /** Of one key, or of all keys of the instance. */
  readonly listRegistrations: (
    caller: KmsCaller,
    key: string | undefined,
    filter: RegistrationFilter,
    page: Page,
  ) => PageOf<RegistrationView>
  readonly createAlias: (caller: KmsCaller, key: string, alias: string) => Promise<AliasView>
  readonly deleteAlias: (caller: KmsCaller, key: string, alias: string) => Promise<void>
  /** CRN of the server's own root key; made at the first call. No user can reach it. */
  readonly ensureServiceRootKey: () => Promise<string>
  /** To be called now and then: destroys the material of deleted keys when it can no longer be restored. */
  readonly sweep: () => Promise<SweepReport>
  /** Zeroes what is unsealed. */
  readonly close: () => void
}

export interface KmsOptions {
  /** Its values reach the disk encrypted. */
  readonly store: MetadataStore
  /** 32 bytes; seals key material once more. The caller keeps it until close. */
  readonly sealingKey: Buffer
  readonly iam: Pick<Iam, 'decide' | 'instance' | 'declareSystemInstance' | 'declareSystemAuthorization'>
  readonly clock: Clock
  readonly settings: KmsSettings
  readonly audit?: (event: KmsAuditEvent) => void
}

/** Loads all keys into memory. Throws KeyDamaged. */
export async function openKms({
  store,
  sealingKey,
  iam,
  clock,
  settings,
  audit = () => {},
}: KmsOptions): Promise<KmsService> {
  const catalog = await loadCatalog(store)
  const materials = createMaterials(sealingKey)
  const context: KmsContext = {
    catalog,
    materials,
    serial: createSerial(),
    settings,
    now: clock.now,
    compact: async () => store.compact?.(KMS_SPACE.version, rowsUnder(Buffer.alloc(0))),
  }
  const sweeper = createSweeper(context, clockWatch(store, clock.now))
  const door = createDoor({ iam, catalog, now: clock.now, audit })
  const serviceInstance = await declareServiceInstance(store, iam)
  return {
    createKey: (caller, key) =>
      door.later(caller, 'kms.secrets.create', undefined, async ({ actor, instance }) => {
        const entry = await createKey(context, actor, key)
        return { key: keyView(context, instance, entry), ...withPayload(readPayload(context, entry)) }
      }),
    listKeys: (caller, filter, page) =>
      door.now(caller, 'kms.secrets.list', undefined, ({ instance }) => {
        const { items, totalCount } = pageOf(selectKeys(context, instance.guid, filter), page)
        return { items: items.map((entry) => keyView(context, instance, entry)), totalCount }
      }),
    countKeys: (caller, filter) =>
      door.now(
        caller,
        'kms.secrets.head',
        undefined,
        ({ instance }) => selectKeys(context, instance.guid, filter).length,
      ),
    getKey: (caller, key) =>
      door.now(caller, 'kms.secrets.read', key, ({ instance }) => {
        const entry = requireKey(context, instance.guid, key)
        return { key: keyView(context, instance, entry), ...withPayload(readPayload(context, entry)) }
      }),
    getKeyMetadata: (caller, key) =>
      door.now(caller, 'kms.secrets-metadata.read', key, ({ instance }) =>
        keyView(context, instance, requireKey(context, instance.guid, key)),
      ),
    listKeyVersions: (caller, key, page) =>
      door.now(caller, 'kms.secrets-key-versions.list', key, ({ instance }) => {
        return pageOf(versionViews(requireKey(context, instance.guid, key)), page)
      }),
    deleteKey: (caller, key, { force }) =>
      door.later(caller, 'kms.secrets.delete', key, async ({ actor, instance }) =>
        keyView(context, instance, await deleteKey(context, actor, key, force)),
      ),
    restoreKey: (caller, key, payload) =>
      door.later(caller, 'kms.secrets.restore', key, async ({ actor, instance }) =>
        keyView(context, instance, await restoreKey(context, actor, key, payload)),
      ),
    rotateKey: (caller, key, payload) =>
      door.later(caller, 'kms.secrets.rotate', key, ({ actor }) => rotateKey(context, actor, key, payload)),
    disableKey: (caller, key) =>
      door.later(caller, 'kms.secrets.disable', key, ({ actor }) => disableKey(context, actor, key)),
    enableKey: (caller, key) =>
      door.later(caller, 'kms.secrets.enable', key, ({ actor }) => enableKey(context, actor, key)),
    wrap: (caller, key, plaintext, aad) =>
      door.now(caller, 'kms.secrets.wrap', key, ({ instance }) =>
        wrap(context, requireKey(context, instance.guid, key), plaintext, aad),
      ),
    wrapNew: (caller, key, aad) =>
      door.now(caller, 'kms.secrets.wrap', key, ({ instance }) =>
        wrapNew(context, requireKey(context, instance.guid, key), aad),
      ),
    unwrap: (caller, key, ciphertext, aad) =>
      door.now(caller, 'kms.secrets.unwrap', key, ({ instance }) =>
        unwrap(context, requireKey(context, instance.guid, key), ciphertext, aad),
      ),
    rewrap: (caller, key, ciphertext, aad) =>
      door.now(caller, 'kms.secrets.rewrap', key, ({ instance }) =>
        rewrap(context, requireKey(context, instance.guid, key), ciphertext, aad),
      ),
    permit: (caller, key, use) => {
      if (use === 'wrap') door.quietly(caller, 'kms.secrets.unwrap', key, () => {})
      door.quietly(caller, `kms.secrets.${use}`, key, ({ instance }) =>
        requireUsable(context, requireKey(context, instance.guid, key), use),
      )
    },
    describe: (caller, key) => {
      door.quietly(caller, 'kms.secrets.unwrap', key, () => {})
      return door.quietly(caller, 'kms.secrets.wrap', key, ({ instance }) => {
        const entry = requireKey(context, instance.guid, key)
        requireUsable(context, entry, 'wrap')
        return { crn: keyCrn(instance, entry.id), keyVersion: newestVersion(entry).id, region: instance.region }
      })
    },
    register: (caller, key, registration) =>
      door.later(caller, 'kms.registrations.create', key, async ({ actor }) => {
        assertOwnResource(caller.principal, registration.resourceCrn)
        await register(context, actor, key, registration)
      }),
    deregister: (caller, key, resourceCrn) =>
      door.later(
        caller,
        'kms.registrations.delete',
        key,
        async ({ actor }) => {
          assertOwnResource(caller.principal, resourceCrn)
          await deregister(context, actor, key, resourceCrn)
        },
        'identified',
      ),
    listRegistrations: (caller, key, filter, page) =>
      door.now(caller, 'kms.registrations.list', key, ({ instance }) => {
        const entry = key === undefined ? undefined : requireKey(context, instance.guid, key)
        return pageOf(selectRegistrations(context, instance.guid, entry, filter), page)
      }),
    createAlias: (caller, key, alias) =>
      door.later(caller, 'kms.secrets-alias.create', key, ({ actor }) => createAlias(context, actor, key, alias)),
    deleteAlias: (caller, key, alias) =>
      door.later(caller, 'kms.secrets-alias.delete', key, ({ actor }) => deleteAlias(context, actor, key, alias)),
    ensureServiceRootKey: () => ensureServiceRootKey(context, serviceInstance),
    sweep: sweeper.sweep,
    close: materials.close,
  }
}

const withPayload = (payload: Buffer | undefined): { readonly payload?: Buffer } => (payload ? { payload } : {})
