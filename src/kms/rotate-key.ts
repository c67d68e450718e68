import { newUuid } from '../base/ids.ts'
import type { KeyEntry } from './catalog.ts'
import { assertElapsed, type NewMaterial } from './change-state.ts'
import { type Actor, changeKey, type KmsContext, newestVersion, requireUsable } from './context.ts'
import { assertImportedSafely } from './create-access.ts'
import { checkPayload } from './create-key.ts'
import { invalidField, kmsError } from './errors.ts'
import { encodeVersion, type KeyVersion } from './key-versions.ts'
import { KMS_SPACE, versionRow } from './keyspace.ts'
import { newMaterial } from './material.ts'
import { writeRecord } from './write-record.ts'

/**
 * New material for everything that is wrapped from now on; older versions only open what they wrapped.
 * `payload`: required for imported keys and for no others; taken over, and zeroed.
 * Resolves to the new version. Throws RootKeyRequired, InvalidKeyState, PayloadRequired, InvalidField, RotationTooEarly, KeyAccessRestricted.
 */
export function rotateKey(
  context: KmsContext,
  actor: Actor,
  idOrAlias: string,
  { payload, secureImport }: NewMaterial = {},
): Promise<KeyVersion> {
  const rotated = changeKey(context, actor, idOrAlias, async (entry) => {
    requireUsable(context, entry, 'rotate')
    checkRotation(context, entry, payload)
    assertImportedSafely(context, entry.instanceId, { payload, secureImport })
    return addVersion(context, entry, payload)
  })
  return rotated.finally(() => payload?.fill(0))
}

/** In one commit with the date of the rotation. Hold the key's turn. */
export async function addVersion(context: KmsContext, entry: KeyEntry, payload?: Buffer): Promise<KeyVersion> {
  const version = nextVersion(context, entry, payload)
  const key = versionRow(entry.instanceId, entry.id, version.sequence)
  await writeRecord(
    context,
    entry,
    { rotatedAt: version.createdAt },
    {
      others: [{ type: 'put', space: KMS_SPACE.version, key, value: encodeVersion(version) }],
      apply: () => {
        entry.versions = [...entry.versions, version]
      },
    },
  )
  context.tell('rotated', entry)
  return version
}

function checkRotation(context: KmsContext, { record }: KeyEntry, payload: Buffer | undefined): void {
  if (record.imported && !payload) throw kmsError('PayloadRequired', 'an imported key is rotated with new material')
  if (!record.imported && payload) throw invalidField('payload', 'only imported keys take new material')
  if (payload) checkPayload(payload, record.extractable)
  // Key Protect: the first rotation is free.
  if (record.rotatedAt !== undefined) {
    assertElapsed(context, record.rotatedAt, context.settings.rotateIntervalMs, 'RotationTooEarly')
  }
}

function nextVersion(context: KmsContext, entry: KeyEntry, payload: Buffer | undefined): KeyVersion {
  const id = newUuid()
  const material = payload ?? newMaterial()
  const sealed = context.materials.seal(entry.instanceId, entry.id, id, material)
  material.fill(0)
  return { id, sequence: newestVersion(entry).sequence + 1, createdAt: context.now(), sealed }
}
