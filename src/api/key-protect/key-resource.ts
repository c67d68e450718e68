import type { RotationPolicy } from '../../kms/key-policies.ts'
import { KEY_STATE } from '../../kms/key-states.ts'
import type { DeletionView, DualAuthView, KeyView } from '../../kms/key-view.ts'
import { mediaType, wireTime } from './envelope.ts'
import type { DualAuthAnswer, KeyAnswer, KeyVersionAnswer, RotationAnswer } from './reply-schemas.ts'

// Key Protect shows these for keys of every kind, with this value since it stopped meaning anything by them.
const ALGORITHM = 'Deprecated'
// Suspended by hand, expired, deleted. Key Protect publishes the member and not its values: these are ours.
const REASONS: Readonly<Partial<Record<number, number>>> = {
  [KEY_STATE.suspended]: 1,
  [KEY_STATE.deactivated]: 2,
  [KEY_STATE.destroyed]: 3,
}

/** A key as the API shows it. `payload`, of standard keys, is zeroed once it is text. */
export function keyResource(view: KeyView, payload?: Buffer): KeyAnswer {
  const { record, state, currentVersion, deletion } = view
  const reason = REASONS[state]
  return {
    type: mediaType('key'),
    id: record.id,
    name: record.name,
    ...(view.aliases.length > 0 && { aliases: view.aliases }),
    ...(record.description !== undefined && { description: record.description }),
    ...(record.tags.length > 0 && { tags: record.tags }),
    state,
    ...(reason !== undefined && { nonactiveStateReason: reason }),
    ...(record.expiresAt !== undefined && { expirationDate: wireTime(record.expiresAt) }),
    extractable: record.extractable,
    crn: view.crn,
    imported: record.imported,
    keyRingID: record.keyRingId,
    creationDate: wireTime(record.createdAt),
    createdBy: record.createdBy,
    algorithmType: ALGORITHM,
    algorithmMetadata: { bitLength: '256', mode: ALGORITHM },
    algorithmBitSize: 256,
    algorithmMode: ALGORITHM,
    lastUpdateDate: wireTime(record.updatedAt),
    ...(record.rotatedAt !== undefined && { lastRotateDate: wireTime(record.rotatedAt) }),
    ...(currentVersion && { keyVersion: versionResource(currentVersion) }),
    dualAuthDelete: dualAuthMembers(view.dualAuthDelete),
    ...(record.rotation && { rotation: rotationMembers(record.rotation) }),
    deleted: deletion !== undefined,
    ...(deletion && deletionMembers(deletion)),
    ...(payload && { payload: revealed(payload) }),
  }
}

const dualAuthMembers = ({ enabled, authorizationExpiresAt: at }: DualAuthView): DualAuthAnswer => ({
  enabled,
  ...(at !== undefined && { keySetForDeletion: true, authExpiration: wireTime(at) }),
})

export const rotationMembers = ({ enabled, intervalMonths }: RotationPolicy): RotationAnswer => ({
  enabled,
  interval_month: intervalMonths,
})

export const versionResource = ({
  id,
  createdAt,
}: {
  readonly id: string
  readonly createdAt: number
}): KeyVersionAnswer => ({
  id,
  creationDate: wireTime(createdAt),
})

const deletionMembers = (deletion: DeletionView): Partial<KeyAnswer> => ({
  deletionDate: wireTime(deletion.at),
  deletedBy: deletion.by,
  restoreExpirationDate: wireTime(deletion.restoreExpiresAt),
  restoreAllowed: deletion.restoreAllowed,
  purgeAllowed: deletion.purgeAllowed,
  purgeAllowedFrom: wireTime(deletion.purgeAllowedFrom),
  purgeScheduledOn: wireTime(deletion.purgeScheduledOn),
})

/** Base64, after which the bytes are zeroed. */
export function revealed(bytes: Buffer): string {
  const text = bytes.toString('base64')
  bytes.fill(0)
  return text
}
