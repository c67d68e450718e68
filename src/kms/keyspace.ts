import { encodeList, successor } from '../base/bytes.ts'
import { uuidToBytes } from '../base/ids.ts'

/** Key spaces of the key management service. Numbers are stored: never reuse one. */
export const KMS_SPACE = {
  /** instance id ‖ key id → KeyRecord */
  key: 32,
  /** instance id ‖ key id ‖ u32 sequence → KeyVersionRecord, oldest first */
  version: 33,
  /** instance id ‖ key id ‖ LP(resource CRN) → RegistrationRecord */
  registration: 34,
  /** instance id ‖ alias → AliasRecord */
  alias: 35,
  /** name → what the service keeps for itself */
  system: 36,
  /** instance id ‖ ring id → KeyRingRecord; the ring `default` has none */
  keyRing: 37,
  /** instance id ‖ policy type → InstancePolicyRecord */
  instancePolicy: 38,
  /** instance id → ImportTokenRecord: its one import token, also after its end */
  importToken: 42,
} as const

export type KmsSpace = (typeof KMS_SPACE)[keyof typeof KMS_SPACE]

/** Every row about one key starts with these: instance id ‖ key id. */
export const KEY_ROW_BYTES = 32

export const keyRow = (instanceId: string, keyId: string): Buffer =>
  Buffer.concat([uuidToBytes(instanceId), uuidToBytes(keyId)])

export function versionRow(instanceId: string, keyId: string, sequence: number): Buffer {
  const number = Buffer.alloc(4)
  number.writeUInt32BE(sequence)
  return Buffer.concat([keyRow(instanceId, keyId), number])
}

export const registrationRow = (instanceId: string, keyId: string, resourceCrn: string): Buffer =>
  Buffer.concat([keyRow(instanceId, keyId), encodeList([resourceCrn])])

/** What the row is the registration of; undefined when it is no such row. */
export function resourceOfRow(row: Buffer): string | undefined {
  const resourceCrn = row.toString('utf8', KEY_ROW_BYTES + encodeList(['']).length)
  const keyId = row.subarray(0, KEY_ROW_BYTES)
  return Buffer.concat([keyId, encodeList([resourceCrn])]).equals(row) ? resourceCrn : undefined
}

export const aliasRow = (instanceId: string, alias: string): Buffer =>
  Buffer.concat([uuidToBytes(instanceId), Buffer.from(alias, 'utf8')])

/** A ring or a policy: of an instance, by its name. */
export const instanceRow = (instanceId: string, name: string): Buffer =>
  Buffer.concat([uuidToBytes(instanceId), Buffer.from(name, 'utf8')])

export const systemRow = (name: string): Buffer => Buffer.from(name, 'utf8')

/** Half-open bounds of the rows under `prefix` (all rows when it is empty). */
export function rowsUnder(prefix: Buffer): { readonly gte: Buffer; readonly lt: Buffer } {
  return { gte: prefix, lt: (prefix.length > 0 ? successor(prefix) : undefined) ?? Buffer.alloc(2048, 0xff) }
}
