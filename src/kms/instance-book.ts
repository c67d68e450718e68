import { uuidFromBytes } from '../base/ids.ts'
import type { ChangedRow, FollowRows } from '../storage/metadata/changed-row.ts'
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
import type { KeyDamage } from './load-catalog.ts'
import { eachRow, type RowReader, readRow, rowAgain } from './rows.ts'

export type InstancePolicies = Readonly<Partial<Record<InstancePolicyType, InstancePolicyRecord>>>

/** What instances have besides keys, in memory; the store is written first. */
export interface InstanceBook {
  /** By id, in order of their ids, without `default`. Without a record: what is stored of the ring is damaged. */
  readonly ringsOf: (instanceId: string) => ReadonlyMap<string, KeyRingRecord | undefined>
  readonly hasRing: (instanceId: string, ring: string) => boolean
  readonly setRing: (instanceId: string, ring: string, record: KeyRingRecord) => void
  readonly removeRing: (instanceId: string, ring: string) => void
  readonly policiesOf: (instanceId: string) => InstancePolicies
  /** Names of policies of which nobody knows what they say, until they are set anew: what they protect is refused. */
  readonly damagedPoliciesOf: (instanceId: string) => ReadonlySet<string>
  readonly setPolicies: (instanceId: string, policies: InstancePolicies) => void
  /** Durable, then `apply`. Resolves false when a condition of the writes did not hold. Throws KeyUnavailable. */
  readonly commit: (writes: readonly Write[], apply: () => void) => Promise<boolean>
  readonly follow: FollowRows
}

interface InstanceData {
  readonly rings: Map<string, KeyRingRecord | undefined>
  readonly damaged: Set<string>
  policies: InstancePolicies
}

/**
 * A ring that cannot be read is there: its keys say themselves that they are in it, and its name is not given again. A
 * policy that cannot be read, or that only a later release knows, counts as one that allows nothing.
 */
export async function openInstanceBook(
  store: MetadataStore,
  onDamage: (damage: KeyDamage) => void,
): Promise<InstanceBook> {
  const instances = new Map<string, InstanceData>()
  const dataOf = (id: string): InstanceData => {
    const known = instances.get(id)
    if (known) return known
    const added: InstanceData = { rings: new Map(), damaged: new Set(), policies: {} }
    instances.set(id, added)
    return added
  }
  const rings: RowReader = {
    read: ({ key, value }) => void dataOf(instanceOf(key)).rings.set(nameIn(key), keyRingRecords.decode(value)),
    damaged: (key, cause) => {
      dataOf(instanceOf(key)).rings.set(nameIn(key), undefined)
      onDamage({ instanceId: instanceOf(key), what: `the key ring ${nameIn(key)}`, cause })
    },
  }
  const policies: RowReader = {
    read: ({ key, value }) => {
      const type = nameIn(key)
      if (!isInstancePolicyType(type)) throw kmsError('KeyDamaged', 'a stored instance policy is of no known type')
      const data = dataOf(instanceOf(key))
      data.policies = { ...data.policies, [type]: instancePolicyRecords.decode(value) }
      data.damaged.delete(type)
    },
    damaged: (key, cause) => {
      dataOf(instanceOf(key)).damaged.add(nameIn(key))
      onDamage({ instanceId: instanceOf(key), what: `the instance policy ${nameIn(key)}`, cause })
    },
  }
  const gone = ({ space, key }: ChangedRow): void => {
    const data = dataOf(instanceOf(key))
    if (space === KMS_SPACE.keyRing) return void data.rings.delete(nameIn(key))
    const { [nameIn(key)]: _removed, ...left }: Readonly<Record<string, InstancePolicyRecord>> = data.policies
    data.policies = left
    data.damaged.delete(nameIn(key))
  }
  await eachRow(store, KMS_SPACE.keyRing, rings)
  await eachRow(store, KMS_SPACE.instancePolicy, policies)
  return {
    ringsOf: (id) => instances.get(id)?.rings ?? NO_RINGS,
    hasRing: (id, ring) => ring === DEFAULT_RING || instances.get(id)?.rings.has(ring) === true,
    setRing: (id, ring, record) => void dataOf(id).rings.set(ring, record),
    removeRing: (id, ring) => void dataOf(id).rings.delete(ring),
    policiesOf: (id) => instances.get(id)?.policies ?? NO_POLICIES,
    damagedPoliciesOf: (id) => instances.get(id)?.damaged ?? NONE,
    setPolicies: (id, policies) => {
      for (const type of Object.keys(policies)) dataOf(id).damaged.delete(type)
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
    follow: async (rows) => {
      const known = rows.filter(({ space }) => space === KMS_SPACE.keyRing || space === KMS_SPACE.instancePolicy)
      const found = await Promise.all(known.map((row) => rowAgain(store, row)))
      return () => {
        for (const [index, row] of known.entries()) {
          const stored = found[index]
          const reader = row.space === KMS_SPACE.keyRing ? rings : policies
          if (stored) readRow(stored, reader)
          else gone(row)
        }
      }
    },
  }
}

const NONE: ReadonlySet<string> = new Set()
const NO_RINGS: ReadonlyMap<string, KeyRingRecord> = new Map()
const NO_POLICIES: InstancePolicies = {}

const instanceOf = (row: Buffer): string => uuidFromBytes(row.subarray(0, 16))
const nameIn = (row: Buffer): string => row.toString('utf8', 16)
