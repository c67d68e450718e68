import { newUuid } from '../base/ids.ts'
import type { Write } from '../storage/metadata/metadata-store.ts'
import { type AliasRecord, aliasRecords } from './aliases.ts'
import { assertAliasesFree } from './aliasing.ts'
import type { KeyEntry } from './catalog.ts'
import type { Actor, KmsContext } from './context.ts'
import { assertCreatable } from './create-access.ts'
import { assertPrintable, invalidField, kmsError } from './errors.ts'
import { DEFAULT_RING } from './key-rings.ts'
import { KEY_STATE } from './key-states.ts'
import { encodeVersion } from './key-versions.ts'
import { keyRecords } from './keys.ts'
import { aliasRow, KMS_SPACE, keyRow, versionRow } from './keyspace.ts'
import { newMaterial } from './material.ts'
import { type NewKeyPolicies, policiesOfNewKey } from './new-key-policies.ts'

export interface NewKey {
  readonly name: string
  readonly description?: string
  readonly tags?: readonly string[]
  readonly aliases?: readonly string[]
  /** false: a root key. true: a standard key. */
  readonly extractable: boolean
  readonly expiresAt?: number
  /** Import: 16, 24 or 32 bytes for a root key, 1 to 7,500 for a standard key. Taken over, and zeroed. */
  readonly payload?: Buffer
  /** The payload came under an import token. */
  readonly secureImport?: boolean
  /** Default: `default`. */
  readonly keyRing?: string
  /** Policies of the key instead of those that the instance gives to its new keys. */
  readonly policies?: NewKeyPolicies
}

const MAX_PAYLOAD_BYTES = 7500
const ROOT_PAYLOAD_BYTES: readonly number[] = [16, 24, 32]

/** Throws InvalidField, KeyAccessRestricted, KeyRingNotFound, AliasExists, AliasLimitReached, KeyUnavailable. */
export async function createKey(context: KmsContext, actor: Actor, key: NewKey): Promise<KeyEntry> {
  const material = key.payload ?? newMaterial()
  try {
    checkNewKey(key, context.now())
    assertCreatable(context, actor.instanceId, key)
    const entry = newEntry(context, actor, key, material)
    const write = () => store(context, entry)
    const inTurn = () => (entry.aliases.size === 0 ? write() : context.serial.run(`aliases ${actor.instanceId}`, write))
    // A ring is not deleted while a key is on its way into it.
    await (entry.record.keyRingId === DEFAULT_RING ? inTurn() : inRing(context, entry, inTurn))
    return entry
  } finally {
    material.fill(0)
  }
}

const inRing = ({ instances, serial }: KmsContext, { instanceId, record }: KeyEntry, write: () => Promise<void>) =>
  serial.run(`rings ${instanceId}`, async () => {
    if (!instances.hasRing(instanceId, record.keyRingId)) {
      throw kmsError('KeyRingNotFound', 'the key ring does not exist')
    }
    await write()
  })

async function store(context: KmsContext, entry: KeyEntry): Promise<void> {
  const { instanceId, id } = entry
  assertAliasesFree(context, instanceId, [...entry.aliases.keys()])
  const writes: Write[] = [
    {
      type: 'put',
      space: KMS_SPACE.key,
      key: keyRow(instanceId, id),
      value: keyRecords.encode(entry.record),
      if: null,
    },
    ...entry.versions.map(
      (version): Write => ({
        type: 'put',
        space: KMS_SPACE.version,
        key: versionRow(instanceId, id, version.sequence),
        value: encodeVersion(version),
        if: null,
      }),
    ),
    ...[...entry.aliases].map(
      ([alias, record]): Write => ({
        type: 'put',
        space: KMS_SPACE.alias,
        key: aliasRow(instanceId, alias),
        value: aliasRecords.encode(record),
        if: null,
      }),
    ),
  ]
  const done = await context.catalog.commit(entry, writes, () => {
    context.catalog.add(entry)
    context.tell('created', entry)
  })
  if (!done) throw kmsError('AliasExists', 'an alias is in use')
}

function newEntry(context: KmsContext, actor: Actor, key: NewKey, material: Buffer): KeyEntry {
  const { instanceId, iamId } = actor
  const id = newUuid()
  const versionId = newUuid()
  const now = context.now()
  const alias: AliasRecord = { keyId: id, createdAt: now, createdBy: iamId }
  return {
    instanceId,
    id,
    record: {
      id,
      name: key.name,
      ...(key.description === undefined ? {} : { description: key.description }),
      tags: [...(key.tags ?? [])],
      extractable: key.extractable,
      imported: key.payload !== undefined,
      keyRingId: key.keyRing ?? DEFAULT_RING,
      state: KEY_STATE.active,
      createdAt: now,
      createdBy: iamId,
      updatedAt: now,
      stateChangedAt: now,
      ...(key.expiresAt === undefined ? {} : { expiresAt: key.expiresAt }),
      erased: false,
      ...policiesOfNewKey(context, actor, key),
    },
    versions: [
      {
        id: versionId,
        sequence: 0,
        createdAt: now,
        sealed: context.materials.seal(instanceId, id, versionId, material),
      },
    ],
    registrations: new Map(),
    aliases: new Map((key.aliases ?? []).map((name) => [name, alias])),
    unavailable: false,
  }
}

function checkNewKey({ name, description, tags = [], extractable, expiresAt, payload }: NewKey, now: number): void {
  checkText('name', name, 2, 90)
  if (description !== undefined) checkText('description', description, 2, 240)
  if (tags.length > 30) throw invalidField('tags', 'at most 30 tags')
  for (const tag of tags) checkText('tags', tag, 2, 30)
  if (expiresAt !== undefined && !(expiresAt > now))
    throw invalidField('expirationDate', 'a date in the future is expected')
  if (payload) checkPayload(payload, extractable)
}

/** Throws InvalidField. */
export function checkPayload(payload: Buffer, extractable: boolean): void {
  if (
    extractable
      ? payload.length < 1 || payload.length > MAX_PAYLOAD_BYTES
      : !ROOT_PAYLOAD_BYTES.includes(payload.length)
  ) {
    throw invalidField('payload', extractable ? `1 to ${MAX_PAYLOAD_BYTES} bytes` : '16, 24 or 32 bytes, as base64')
  }
}

function checkText(field: string, text: string, least: number, most: number): void {
  const { length } = [...text]
  if (length < least || length > most) throw invalidField(field, `${least} to ${most} characters`)
  assertPrintable(field, text)
}
