import type { KeyEntry } from './catalog.ts'
import { type Actor, changeKey, type KmsContext, newestVersion, requireUsable } from './context.ts'
import { assertPrintable, invalidField, kmsError } from './errors.ts'
import { KMS_SPACE, registrationRow } from './keyspace.ts'
import { type RegistrationRecord, registrationRecords } from './registrations.ts'

export interface RegistrationChange {
  readonly description?: string
  readonly preventKeyDeletion?: boolean
  /** The version of the key that the resource is protected with: of a new registration, the newest unless told otherwise. */
  readonly keyVersionId?: string
  /** What the service notes for itself. */
  readonly registrationMetadata?: string
}

export interface NewRegistration extends RegistrationChange {
  readonly resourceCrn: string
}

export interface RegisteredAt {
  readonly entry: KeyEntry
  readonly record: RegistrationRecord
}

const MAX_DESCRIPTION = 240
const MAX_METADATA = 4096

/** Idempotent; a repeat renews what it says. Throws RootKeyRequired, InvalidKeyState, KeyVersionInvalid, InvalidField. */
export function register(
  context: KmsContext,
  actor: Actor,
  keyId: string,
  registration: NewRegistration,
): Promise<RegisteredAt> {
  return changeKey(context, actor, keyId, async (entry) => {
    requireUsable(context, entry, 'register')
    const { resourceCrn, ...members } = registration
    const before = entry.registrations.get(resourceCrn)
    const keyVersionId = members.keyVersionId ?? before?.keyVersionId ?? newestVersion(entry).id
    return write(context, actor, entry, before, resourceCrn, { ...members, keyVersionId })
  })
}

/** Throws RegistrationNotFound, KeyVersionInvalid, InvalidField. In every state of the key. */
export function changeRegistration(
  context: KmsContext,
  actor: Actor,
  keyId: string,
  resourceCrn: string,
  change: RegistrationChange,
): Promise<RegisteredAt> {
  return changeKey(context, actor, keyId, async (entry) => {
    const before = requireRegistration(entry, resourceCrn)
    return write(context, actor, entry, before, resourceCrn, { ...membersOf(before), ...change })
  })
}

/** Throws RegistrationNotFound, KeyVersionInvalid, InvalidField. In every state of the key. */
export function replaceRegistration(
  context: KmsContext,
  actor: Actor,
  keyId: string,
  { resourceCrn, ...members }: NewRegistration,
): Promise<RegisteredAt> {
  return changeKey(context, actor, keyId, async (entry) => {
    const before = requireRegistration(entry, resourceCrn)
    const keyVersionId = members.keyVersionId ?? newestVersion(entry).id
    return write(context, actor, entry, before, resourceCrn, { ...members, keyVersionId })
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

function requireRegistration(entry: KeyEntry, resourceCrn: string): RegistrationRecord {
  const record = entry.registrations.get(resourceCrn)
  if (!record) throw kmsError('RegistrationNotFound', 'the resource is not registered at the key')
  return record
}

/** These and nothing else that a caller's object may have. */
const membersOf = (from: RegistrationChange): RegistrationChange => {
  const { description, preventKeyDeletion, keyVersionId, registrationMetadata } = from
  return {
    ...(preventKeyDeletion === undefined ? {} : { preventKeyDeletion }),
    ...(description === undefined ? {} : { description }),
    ...(keyVersionId === undefined ? {} : { keyVersionId }),
    ...(registrationMetadata === undefined ? {} : { registrationMetadata }),
  }
}

async function write(
  context: KmsContext,
  actor: Actor,
  entry: KeyEntry,
  before: RegistrationRecord | undefined,
  resourceCrn: string,
  members: RegistrationChange,
): Promise<RegisteredAt> {
  check(entry, members)
  const now = context.now()
  const { createdAt = now, createdBy = actor.iamId } = before ?? {}
  const record: RegistrationRecord = {
    resourceCrn,
    ...membersOf(members),
    preventKeyDeletion: members.preventKeyDeletion ?? false,
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
  return { entry, record }
}

function check(
  entry: KeyEntry,
  { description = '', keyVersionId, registrationMetadata = '' }: RegistrationChange,
): void {
  if (description.length > MAX_DESCRIPTION) {
    throw invalidField('description', `at most ${MAX_DESCRIPTION} characters`)
  }
  assertPrintable('description', description)
  if (registrationMetadata.length > MAX_METADATA) {
    throw invalidField('registrationMetadata', `at most ${MAX_METADATA} characters`)
  }
  if (keyVersionId !== undefined && !entry.versions.some(({ id }) => id === keyVersionId)) {
    throw kmsError('KeyVersionInvalid', 'the key has no such version')
  }
}
