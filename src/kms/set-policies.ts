import type { Write } from '../storage/metadata/metadata-store.ts'
import type { KeyEntry } from './catalog.ts'
import { type Actor, assertRoot, changeKey, type KmsContext, stateOf } from './context.ts'
import { invalidField } from './errors.ts'
import type { InstancePolicies } from './instance-book.ts'
import {
  checkedAttributes,
  type InstancePolicyRecord,
  instancePolicyRecords,
  type NewInstancePolicy,
} from './instance-policies.ts'
import { assertAllowed } from './key-states.ts'
import type { KeyRecord } from './keys.ts'
import { instanceRow, KMS_SPACE } from './keyspace.ts'
import { dualAuthPolicy, type NewKeyPolicies, notRotatable, rotationPolicy } from './new-key-policies.ts'
import { writeRecord } from './write-record.ts'

/** All of them or none. Throws InvalidField, RootKeyRequired, InvalidKeyState. */
export function setKeyPolicies(
  context: KmsContext,
  actor: Actor,
  idOrAlias: string,
  wanted: NewKeyPolicies,
): Promise<KeyEntry> {
  return changeKey(context, actor, idOrAlias, async (entry) => {
    assertAllowed(stateOf(context, entry), 'edit')
    if (wanted.rotation) assertRotatable(entry)
    const rotation = rotationPolicy(context, actor, wanted.rotation, entry.record.rotation)
    const change: Partial<KeyRecord> = {
      ...(rotation ? { rotation } : {}),
      ...dualAuthChange(context, actor, entry, wanted),
    }
    await writeRecord(context, entry, change)
    return entry
  })
}

function assertRotatable(entry: KeyEntry): void {
  assertRoot(entry)
  if (entry.record.imported) throw notRotatable()
}

function dualAuthChange(
  context: KmsContext,
  actor: Actor,
  { record }: KeyEntry,
  { dualAuthDelete: wanted }: NewKeyPolicies,
): Partial<KeyRecord> {
  const { dualAuthDelete: before } = record
  if (!wanted || (!wanted.enabled && !before?.enabled)) return {}
  // Key Protect: once two must agree, one cannot take that back.
  if (!wanted.enabled) throw invalidField('dualAuthDelete', 'the policy of a key cannot be switched off again')
  return { dualAuthDelete: dualAuthPolicy(context, actor, before) }
}

/** All of them or none. They concern what comes after, not the keys that are there. Throws InvalidField, KeyUnavailable. */
export async function setInstancePolicies(
  context: KmsContext,
  { instanceId, iamId }: Actor,
  wanted: readonly NewInstancePolicy[],
): Promise<void> {
  const { instances, serial, now } = context
  await serial.run(`policies ${instanceId}`, async () => {
    const before = instances.policiesOf(instanceId)
    const at = now()
    const records = wanted.map((policy): readonly [NewInstancePolicy['type'], InstancePolicyRecord] => {
      const attributes = checkedAttributes(policy)
      const { createdAt = at, createdBy = iamId } = before[policy.type] ?? {}
      const facts = { enabled: policy.enabled, createdAt, createdBy, updatedAt: at, updatedBy: iamId }
      return [policy.type, attributes ? { ...facts, attributes } : facts]
    })
    const writes = records.map(
      ([type, record]): Write => ({
        type: 'put',
        space: KMS_SPACE.instancePolicy,
        key: instanceRow(instanceId, type),
        value: instancePolicyRecords.encode(record),
      }),
    )
    const after: InstancePolicies = Object.fromEntries(records)
    await instances.commit(writes, () => instances.setPolicies(instanceId, after))
  })
}
