import type { Clock } from '../base/clock.ts'
import { parseCrn } from '../base/crn.ts'
import { createSerial } from '../base/serial.ts'
import type { Iam } from '../iam/iam.ts'
import { noAudit } from '../observe/audit-trail.ts'
import type { ChangedRow } from '../storage/metadata/changed-row.ts'
import type { MetadataStore } from '../storage/metadata/metadata-store.ts'
import { createAlias, deleteAlias } from './aliasing.ts'
import type { KmsAudit } from './call-record.ts'
import { clockWatch } from './clock-watch.ts'
import { type KmsContext, newestVersion, requireKey, requireUsable, stateOf } from './context.ts'
import { type Admitted, createDoor, type Door, type KmsCaller } from './door.ts'
import { selectKeys } from './find-keys.ts'
import { followKeys } from './follow-keys.ts'
import { openImportTokenBook } from './import-token-book.ts'
import { type ImportTokenCalls, importTokenCalls } from './import-token-calls.ts'
import { openInstanceBook } from './instance-book.ts'
import { type KeyCalls, keyCalls } from './key-calls.ts'
import { createKeyEvents, type KeyEventListener } from './key-events.ts'
import { KEY_STATE, KEY_STATES, type KeyState } from './key-states.ts'
import { type AliasView, keyCrn, keyEvent } from './key-view.ts'
import { KMS_SPACE, rowsUnder } from './keyspace.ts'
import { type KeyDamage, loadCatalog } from './load-catalog.ts'
import { createMaterials } from './material.ts'
import { networkGuard } from './network-guard.ts'
import { type PolicyCalls, policyCalls } from './policy-calls.ts'
import { type RegistrationCalls, registrationCalls } from './registration-calls.ts'
import { type RingCalls, ringCalls } from './ring-calls.ts'
import type { KmsSettings } from './settings.ts'
import { createSweeper, type SweepReport } from './sweep.ts'
import {
  declareServiceInstance,
  ensureAccountRootKey,
  ensureServiceRootKey,
  rotateServiceRootKey,
} from './system-instance.ts'
import { type Aad, type Rewrapped, rewrap, type Unwrapped, unwrap, type Wrapped, wrap, wrapNew } from './wrapping.ts'

/**
 * THE ONE DOOR to the keys: every call authorises its caller, acts, and is audited. `key` is an id or an alias.
 * Every call throws InstanceNotFound, Unauthorized, and, with a key, KeyNotFound, KeyUnavailable, KeyDamaged.
 */
export interface KmsService extends KeyCalls, PolicyCalls, RingCalls, ImportTokenCalls, RegistrationCalls {
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
  /** How many root keys of an instance are in each state, as far as the caller may see them. Nothing is recorded. */
  readonly keyStates: (caller: KmsCaller) => ReadonlyMap<KeyState, number>
  /** What a call would be told about its rights, and why: not whether the key's state allows it. Nothing is recorded. */
  readonly explain: Door['explain']
  readonly createAlias: (caller: KmsCaller, key: string, alias: string) => Promise<AliasView>
  readonly deleteAlias: (caller: KmsCaller, key: string, alias: string) => Promise<void>
  /** CRN of the server's own root key; made at the first call. No user can reach it. */
  readonly ensureServiceRootKey: () => Promise<string>
  /** CRN of an account's own one, likewise, for those who ask for a root key and name none. */
  readonly ensureAccountRootKey: (accountId: string) => Promise<string>
  /** Gives the server's own key a new version. */
  readonly rotateServiceRootKey: () => Promise<void>
  /** How many stored rows could not be read at the start. */
  readonly damagedRows: () => number
  /** Has the instance any key that is not destroyed? */
  readonly holdsKeys: (instanceGuid: string) => boolean
  /** Is there such a key, in whatever state? Undefined: it would be of an instance that is not served here. */
  readonly knowsKey: (crn: string) => boolean | undefined
  /** What happens to keys, from now on, until the result is called. In this process only. */
  readonly onKeyEvent: (listener: KeyEventListener) => () => void
  /** For a thread that follows another one, which alone changes anything: takes in what that one has committed. */
  readonly follow: (rows: readonly ChangedRow[]) => Promise<void>
  /** To be called now and then: rotates by policy, and destroys deleted keys when their time is over. */
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
  /** Default: nothing is recorded. */
  readonly audit?: KmsAudit
  /** Told of each stored row that cannot be read; what it is of is refused, the others serve. */
  readonly onDamage?: (damage: KeyDamage) => void
  /** A listener of key events threw. */
  readonly onListenerError?: (error: Error) => void
  /** Another thread owns the keys: this one uses them, changes none, and is told by `follow`. */
  readonly follows?: boolean
}

/** Loads all keys into memory. Throws KeyDamaged when what the service keeps of itself cannot be read. */
export async function openKms({
  store,
  sealingKey,
  iam,
  clock,
  settings,
  audit = noAudit,
  onDamage = () => {},
  onListenerError = () => {},
  follows = false,
}: KmsOptions): Promise<KmsService> {
  let damagedRows = 0
  const damaged = (damage: KeyDamage): void => {
    damagedRows++
    onDamage(damage)
  }
  const catalog = await loadCatalog(store, damaged)
  const instances = await openInstanceBook(store, damaged)
  const materials = createMaterials(sealingKey)
  const serial = createSerial()
  const keyBits = settings.importTokenKeyBits
  const importTokens = await openImportTokenBook({
    store,
    sealingKey,
    serial,
    keyBits,
    now: clock.now,
    onDamage: damaged,
    follows,
  })
  const events = createKeyEvents(onListenerError)
  const context: KmsContext = {
    catalog,
    instances,
    importTokens,
    materials,
    serial,
    settings,
    now: clock.now,
    compact: async () => store.compact?.(KMS_SPACE.version, rowsUnder(Buffer.alloc(0))),
    tell: (type, entry) => {
      const instance = iam.instance(entry.instanceId)
      if (instance) events.tell(keyEvent(context, instance, type, entry))
    },
  }
  const network = networkGuard(instances, settings)
  const door = createDoor({ iam, catalog, instances, network, now: clock.now, audit })
  const sweeper = createSweeper(context, door.byItself, clockWatch(store, clock.now))
  const serviceInstance = await declareServiceInstance(store, iam)
  return {
    ...keyCalls(context, door, sweeper),
    ...policyCalls(context, door),
    ...ringCalls(context, door),
    ...importTokenCalls(context, door),
    ...registrationCalls(context, door),
    wrap: (caller, key, plaintext, aad) =>
      door.now(caller, 'kms.secrets.wrap', key, ({ instance, note }) =>
        versionNoted(note, wrap(context, requireKey(context, instance.guid, key), plaintext, aad)),
      ),
    wrapNew: (caller, key, aad) =>
      door.now(caller, 'kms.secrets.wrap', key, ({ instance, note }) =>
        versionNoted(note, wrapNew(context, requireKey(context, instance.guid, key), aad)),
      ),
    unwrap: (caller, key, ciphertext, aad) =>
      door.now(caller, 'kms.secrets.unwrap', key, ({ instance, note }) =>
        versionNoted(note, unwrap(context, requireKey(context, instance.guid, key), ciphertext, aad)),
      ),
    rewrap: (caller, key, ciphertext, aad) =>
      door.now(caller, 'kms.secrets.rewrap', key, ({ instance, note }) =>
        versionNoted(note, rewrap(context, requireKey(context, instance.guid, key), ciphertext, aad)),
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
    keyStates: (caller) => {
      const all = { states: KEY_STATES, extractable: false }
      const found = door.glance(caller, 'kms.secrets.list', ({ instance, sees }) =>
        selectKeys(context, instance.guid, all, sees).map((entry) => stateOf(context, entry)),
      )
      return countsOf(found ?? [])
    },
    explain: door.explain,
    damagedRows: () => damagedRows,
    holdsKeys: (instanceGuid) =>
      catalog.damagedOf(instanceGuid).length > 0 ||
      Array.from(catalog.keysOf(instanceGuid)).some(({ record }) => record.state !== KEY_STATE.destroyed),
    knowsKey: (crn) => {
      const { service, instance: guid, resource } = parseCrn(crn)
      const instance = service === 'kms' ? iam.instance(guid) : undefined
      if (!instance) return undefined
      return (
        keyCrn(instance, resource) === crn &&
        (catalog.isDamaged(guid, resource) || catalog.find(guid, resource)?.id === resource)
      )
    },
    createAlias: (caller, key, alias) =>
      door.later(caller, 'kms.secrets-alias.create', key, ({ actor }) => createAlias(context, actor, key, alias)),
    deleteAlias: (caller, key, alias) =>
      door.later(caller, 'kms.secrets-alias.delete', key, ({ actor }) => deleteAlias(context, actor, key, alias)),
    ensureServiceRootKey: () => ensureServiceRootKey(context, serviceInstance),
    ensureAccountRootKey: (accountId) => ensureAccountRootKey(context, serviceInstance, accountId),
    rotateServiceRootKey: () => rotateServiceRootKey(context, serviceInstance, door.byItself),
    onKeyEvent: events.on,
    follow: followKeys({ store, context, onDamage: damaged }),
    sweep: async () => {
      await importTokens.sweep()
      return sweeper.sweep()
    },
    close: () => {
      importTokens.close()
      materials.close()
    },
  }
}

function countsOf(states: readonly KeyState[]): ReadonlyMap<KeyState, number> {
  const counts = new Map<KeyState, number>()
  for (const state of states) counts.set(state, (counts.get(state) ?? 0) + 1)
  return counts
}

/** The version that wrapped, unwrapped, or that a rewrap ended with. */
function versionNoted<Result extends { readonly keyVersion: string }>(note: Admitted['note'], result: Result): Result {
  note({ keyVersion: result.keyVersion })
  return result
}
