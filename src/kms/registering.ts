import type { Principal } from '../iam/principal.ts'
import type { KeyEntry } from './catalog.ts'
import { type Actor, changeKey, type KmsContext, newestVersion, requireUsable } from './context.ts'
import { kmsError } from './errors.ts'
import type { KeyVersionView } from './key-view.ts'
import { KMS_SPACE, registrationRow } from './keyspace.ts'
import { parseResourceCrn, type RegistrationRecord, registrationRecords, resourceCrnMatcher } from './registrations.ts'

export interface NewRegistration {
  readonly resourceCrn: string
  readonly description?: string
  readonly preventKeyDeletion?: boolean
}

export interface RegistrationView extends RegistrationRecord {
  readonly keyId: string
  readonly keyName: string
  readonly keyVersion: KeyVersionView
}

export interface RegistrationFilter {
  /** A CRN with `*` for whole segments or at the end of the last one. */
  readonly resourceCrnQuery?: string
  readonly preventKeyDeletion?: boolean
}

/** Throws ServiceOnly, ForeignResource, InvalidField. A service speaks for its own instance only. */
export function assertOwnResource(principal: Principal, resourceCrn: string): void {
  if (principal.type !== 'service') throw kmsError('ServiceOnly', 'only a service registers its resources')
  const { service, instance, account } = parseResourceCrn(resourceCrn)
  const own =
    service === principal.serviceName && instance === principal.serviceInstance && account === principal.accountId
  if (!own) throw kmsError('ForeignResource', 'the resource belongs to another instance')
}

/** Idempotent; a repeat renews description and preventKeyDeletion. Throws RootKeyRequired, InvalidKeyState. */
export function register(
  context: KmsContext,
  actor: Actor,
  keyId: string,
  registration: NewRegistration,
): Promise<void> {
  return changeKey(context, actor, keyId, async (entry) => {
    requireUsable(context, entry, 'register')
    const now = context.now()
    const { resourceCrn, description, preventKeyDeletion = false } = registration
    const { createdAt = now, createdBy = actor.iamId } = entry.registrations.get(resourceCrn) ?? {}
    const record: RegistrationRecord = {
      resourceCrn,
      ...(description === undefined ? {} : { description }),
      preventKeyDeletion,
      createdAt,
      createdBy,
      updatedAt: now,
      updatedBy: actor.iamId,
    }
    const key = registrationRow(entry.instanceId, entry.id, resourceCrn)
    const value = registrationRecords.encode(record)
    await context.catalog.commit(entry, [{ type: 'put', space: KMS_SPACE.registration, key, value }], () => {
      entry.registrations.set(resourceCrn, record)
    })
  })
}

/** Idempotent, in every state of the key. */
export function deregister(context: KmsContext, actor: Actor, keyId: string, resourceCrn: string): Promise<void> {
  return changeKey(context, actor, keyId, async (entry) => {
    if (!entry.registrations.has(resourceCrn)) return
    const key = registrationRow(entry.instanceId, entry.id, resourceCrn)
    await context.catalog.commit(entry, [{ type: 'delete', space: KMS_SPACE.registration, key }], () => {
      entry.registrations.delete(resourceCrn)
    })
  })
}

// Key Protect: a query over all keys names everything up to the instance.
const FIXED_SEGMENTS_OF_ALL_KEYS = 8

/** Of one key, or of the keys in the rings that `of` holds for. */
export function selectRegistrations(
  context: KmsContext,
  instanceId: string,
  of: KeyEntry | ((ring: string) => boolean),
  { resourceCrnQuery, preventKeyDeletion }: RegistrationFilter,
): RegistrationView[] {
  const ofAll = typeof of === 'function'
  const matches =
    resourceCrnQuery === undefined
      ? () => true
      : resourceCrnMatcher(resourceCrnQuery, ofAll ? FIXED_SEGMENTS_OF_ALL_KEYS : 0)
  const entries = ofAll ? [...context.catalog.keysOf(instanceId)].filter(({ record }) => of(record.keyRingId)) : [of]
  return entries
    .flatMap(registrationViews)
    .filter((view) => preventKeyDeletion === undefined || view.preventKeyDeletion === preventKeyDeletion)
    .filter((view) => matches(view.resourceCrn))
}

function registrationViews(entry: KeyEntry): RegistrationView[] {
  const { id, createdAt } = newestVersion(entry)
  const about = { keyId: entry.id, keyName: entry.record.name, keyVersion: { id, createdAt } }
  return [...entry.registrations.values()].map((record) => ({ ...record, ...about }))
}
