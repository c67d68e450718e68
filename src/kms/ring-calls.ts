import { createKeyRing, deleteKeyRing, type KeyRingView, keyRings } from './change-rings.ts'
import type { KmsContext } from './context.ts'
import type { Door, KmsCaller } from './door.ts'
import { type Page, type PageOf, pageOf } from './read-keys.ts'

export interface RingCalls {
  /** `default` first. */
  readonly listKeyRings: (caller: KmsCaller, page: Page) => PageOf<KeyRingView>
  readonly createKeyRing: (caller: KmsCaller, ring: string) => Promise<void>
  readonly deleteKeyRing: (caller: KmsCaller, ring: string, options: { readonly force: boolean }) => Promise<void>
}

export function ringCalls(context: KmsContext, door: Door): RingCalls {
  return {
    listKeyRings: (caller, page) =>
      door.now(caller, 'kms.key-rings.list', undefined, ({ instance }) =>
        pageOf(keyRings(context, instance.guid), page),
      ),
    createKeyRing: (caller, ring) =>
      door.later(caller, 'kms.key-rings.create', { keyRing: ring }, ({ actor }) => createKeyRing(context, actor, ring)),
    deleteKeyRing: (caller, ring, { force }) =>
      door.later(caller, 'kms.key-rings.delete', { keyRing: ring }, ({ actor, require }) =>
        deleteKeyRing(context, actor, ring, { force, mayMove: () => require('kms.secrets.patch', { keysIn: ring }) }),
      ),
  }
}
