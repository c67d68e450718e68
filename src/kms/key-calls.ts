import { moveKey } from './change-rings.ts'
import { deleteKey, disableKey, enableKey, restoreKey } from './change-state.ts'
import { type KmsContext, newestVersion, requireKey } from './context.ts'
import { createKey, type NewKey } from './create-key.ts'
import type { Door, KmsCaller } from './door.ts'
import { setKeyForDeletion, unsetKeyForDeletion } from './dual-authorization.ts'
import { findKeys, type KeyFilter, type KeyQuery, selectKeys } from './find-keys.ts'
import { DEFAULT_RING } from './key-rings.ts'
import { type KeyVersionView, type KeyView, keyCrn, keyView } from './key-view.ts'
import { type Page, type PageOf, pageOf, readPayload, versionViews } from './read-keys.ts'
import { type IncomingMaterial, withMaterial } from './receive-material.ts'
import { rotateKey } from './rotate-key.ts'
import type { Sweeper } from './sweep.ts'
import { syncKey } from './sync-key.ts'

/** With the payload of a standard key, which the caller zeroes; never with a root key's. */
export interface KeyWithPayload {
  readonly key: KeyView
  readonly payload?: Buffer
}

/** The life of keys. */
export interface KeyCalls {
  readonly createKey: (caller: KmsCaller, key: NewKey & IncomingMaterial) => Promise<KeyWithPayload>
  /** Of all rings that the caller may see, or of the one that the call is about. Throws KeyRingNotFound, SearchTooBroad. */
  readonly listKeys: (
    caller: KmsCaller,
    query: KeyQuery,
    page: Page,
  ) => PageOf<KeyView> & { readonly incomplete: boolean }
  readonly countKeys: (caller: KmsCaller, filter: KeyFilter) => number
  readonly getKey: (caller: KmsCaller, key: string) => KeyWithPayload
  readonly getKeyMetadata: (caller: KmsCaller, key: string) => KeyView
  /** Of an active key, unless any state will do. */
  readonly listKeyVersions: (
    caller: KmsCaller,
    key: string,
    page: Page,
    options?: { readonly allKeyStates: boolean },
  ) => PageOf<KeyVersionView>
  /** Into another ring; the caller needs the right to both. */
  readonly moveKey: (caller: KmsCaller, key: string, ring: string) => Promise<KeyView>
  readonly deleteKey: (caller: KmsCaller, key: string, options: { readonly force: boolean }) => Promise<KeyView>
  readonly restoreKey: (caller: KmsCaller, key: string, material?: IncomingMaterial) => Promise<KeyView>
  /** Of a deleted key nothing is left. Resolves to what it was. */
  readonly purgeKey: (caller: KmsCaller, key: string) => Promise<KeyView>
  readonly rotateKey: (caller: KmsCaller, key: string, material?: IncomingMaterial) => Promise<void>
  /** `why`: for the audit log, also of an attempt that fails. */
  readonly disableKey: (caller: KmsCaller, key: string, why?: string) => Promise<void>
  readonly enableKey: (caller: KmsCaller, key: string) => Promise<void>
  readonly setKeyForDeletion: (caller: KmsCaller, key: string) => Promise<void>
  readonly unsetKeyForDeletion: (caller: KmsCaller, key: string) => Promise<void>
  readonly syncKey: (caller: KmsCaller, key: string) => Promise<void>
}

export function keyCalls(context: KmsContext, door: Door, sweeper: Sweeper): KeyCalls {
  return {
    createKey: (caller, key) => {
      const action = key.policies ? 'kms.secrets-with-policy-overrides.create' : 'kms.secrets.create'
      const keyRing = caller.keyRing ?? DEFAULT_RING
      return door
        .later(caller, action, { keysIn: keyRing }, async ({ actor, instance, note }) => {
          const entry = await withMaterial(context, instance.guid, key, (material) =>
            createKey(context, actor, { ...material, keyRing }),
          )
          note({ keyCrn: keyCrn(instance, entry.id), keyVersion: newestVersion(entry).id })
          return { key: keyView(context, instance, entry), ...withPayload(readPayload(context, entry)) }
        })
        .finally(() => key.payload?.fill(0))
    },
    listKeys: (caller, query, page) =>
      door.list(caller, 'kms.secrets.list', ({ instance, sees }) => {
        const { entries, incomplete } = findKeys(context, instance.guid, query, sees)
        const { items, totalCount } = pageOf(entries, page)
        return { items: items.map((entry) => keyView(context, instance, entry)), totalCount, incomplete }
      }),
    countKeys: (caller, filter) =>
      door.list(
        caller,
        'kms.secrets.head',
        ({ instance, sees }) => selectKeys(context, instance.guid, filter, sees).length,
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
    listKeyVersions: (caller, key, page, options = { allKeyStates: false }) =>
      door.now(caller, 'kms.secrets-key-versions.list', key, ({ instance }) =>
        pageOf(versionViews(context, requireKey(context, instance.guid, key), options), page),
      ),
    moveKey: (caller, key, ring) =>
      door.later(caller, 'kms.secrets.patch', key, async ({ actor, instance, require }) => {
        require('kms.secrets.patch', { keysIn: ring })
        return keyView(context, instance, await moveKey(context, actor, key, ring))
      }),
    deleteKey: (caller, key, { force }) =>
      door.later(caller, 'kms.secrets.delete', key, async ({ actor, instance }) =>
        keyView(context, instance, await deleteKey(context, actor, key, force)),
      ),
    restoreKey: (caller, key, material = {}) =>
      door
        .later(caller, 'kms.secrets.restore', key, async ({ actor, instance, note }) => {
          const entry = await withMaterial(context, instance.guid, material, (opened) =>
            restoreKey(context, actor, key, opened),
          )
          note({ keyVersion: newestVersion(entry).id })
          return keyView(context, instance, entry)
        })
        .finally(() => material.payload?.fill(0)),
    purgeKey: (caller, key) =>
      door.later(caller, 'kms.secrets.purge', key, async ({ actor, instance }) =>
        keyView(context, instance, await sweeper.purge(actor, key)),
      ),
    rotateKey: (caller, key, material = {}) =>
      door
        .later(caller, 'kms.secrets.rotate', key, async ({ actor, instance, note }) => {
          const { id } = await withMaterial(context, instance.guid, material, (opened) =>
            rotateKey(context, actor, key, opened),
          )
          note({ keyVersion: id })
        })
        .finally(() => material.payload?.fill(0)),
    disableKey: (caller, key, why) =>
      door.later(caller, 'kms.secrets.disable', key, ({ actor, note }) => {
        if (why !== undefined) note({ why })
        return disableKey(context, actor, key)
      }),
    enableKey: (caller, key) =>
      door.later(caller, 'kms.secrets.enable', key, ({ actor }) => enableKey(context, actor, key)),
    setKeyForDeletion: (caller, key) =>
      door.later(caller, 'kms.secrets.setkeyfordeletion', key, ({ actor }) => setKeyForDeletion(context, actor, key)),
    unsetKeyForDeletion: (caller, key) =>
      door.later(caller, 'kms.secrets.unsetkeyfordeletion', key, ({ actor }) =>
        unsetKeyForDeletion(context, actor, key),
      ),
    syncKey: (caller, key) => door.later(caller, 'kms.secrets.sync', key, ({ actor }) => syncKey(context, actor, key)),
  }
}

const withPayload = (payload: Buffer | undefined): { readonly payload?: Buffer } => (payload ? { payload } : {})
