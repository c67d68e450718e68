import { uuidFromBytes } from '../base/ids.ts'
import type { MetadataStore, Write } from '../storage/metadata/metadata-store.ts'
import { kmsError } from './errors.ts'
import {
  type InstancePolicyRecord,
  type InstancePolicyType,
  instancePolicyRecords,
  isInstancePolicyType,
} from './instance-policies.ts'
import { DEFAULT_RING, type KeyRingRecord, keyRingRecords } from './key-rings.ts'
import { KMS_SPACE } from './keyspace.ts'
import { rows } from './rows.ts'

export type InstancePolicies = Readonly<Partial<Record<InstancePolicyType, InstancePolicyRecord>>>

/** What instances have besides keys, in memory; the store is written first. */
export interface InstanceBook {
  /** By id, in order of their ids, without `default`. */
  readonly ringsOf: (instanceId: string) => ReadonlyMap<string, KeyRingRecord>
  readonly hasRing: (instanceId: string, ring: string) => boolean
  readonly setRing: (instanceId: string, ring: string, record: KeyRingRecord | undefined) => void
  readonly policiesOf: (instanceId: string) => InstancePolicies
  readonly setPolicies: (instanceId: string, policies: InstancePolicies) => void
  /** Durable, then `apply`. Resolves false when a condition of the writes did not hold. Throws KeyUnavailable. */
  readonly commit: (writes: readonly Write[], apply: () => void) => Promise<boolean>
}

interface InstanceData {
  readonly rings: Map<string, KeyRingRecord>
  policies: InstancePolicies
}

/** Throws KeyDamaged. */
export async function openInstanceBook(store: MetadataStore): Promise<InstanceBook> {
  const instances = new Map<string, InstanceData>()
  const dataOf = (id: string): InstanceData => {
    const known = instances.get(id)
    if (known) return known
    const added: InstanceData = { rings: new Map(), policies: {} }
    instances.set(id, added)
    return added
  }
  for await (const { key, value } of rows(store, KMS_SPACE.keyRing)) {
    dataOf(instanceOf(key)).rings.set(nameIn(key), keyRingRecords.decode(value))
  }
  for await (const { key, value } of rows(store, KMS_SPACE.instancePolicy)) {
    const type = nameIn(key)
    if (!isInstancePolicyType(type)) throw kmsError('KeyDamaged', 'a stored instance policy is of no known type')
    const data = dataOf(instanceOf(key))
    data.policies = { ...data.policies, [type]: instancePolicyRecords.decode(value) }
  }
  return {
    ringsOf: (id) => instances.get(id)?.rings ?? NO_RINGS,
    hasRing: (id, ring) => ring === DEFAULT_RING || instances.get(id)?.rings.has(ring) === true,
    setRing: (id, ring, record) => {
      if (record) dataOf(id).rings.set(ring, record)
      else dataOf(id).rings.delete(ring)
    },
    policiesOf: (id) => instances.get(id)?.policies ?? NO_POLICIES,
    setPolicies: (id, policies) => {
      dataOf(id).policies = { ...dataOf(id).policies, ...policies }
    },
    commit: async (writes, apply) => {
      try {
        if (!(await store.commit(writes))) return false
      } catch (cause) {
        throw kmsError('KeyUnavailable', 'the change could not be written', {}, cause)
      }
      apply()
      return true
    },
  }
}

const NO_RINGS: ReadonlyMap<string, KeyRingRecord> = new Map()
const NO_POLICIES: InstancePolicies = {}

const instanceOf = (row: Buffer): string => uuidFromBytes(row.subarray(0, 16))
const nameIn = (row: Buffer): string => row.toString('utf8', 16)
