import { newUuid } from '../../base/ids.ts'
import { rateMemory } from '../../base/rate-limit.ts'
import { pinMemory } from '../../objects/shared-pins.ts'
import { versionOrderMemory } from '../../objects/version-id.ts'
import { generationMemory } from '../../storage/metadata/generations.ts'

/** What all threads see at once. */
export interface SharedMemory {
  readonly generations: SharedArrayBuffer
  readonly orders: SharedArrayBuffer
  readonly sequencers: SharedArrayBuffer
  readonly pins: SharedArrayBuffer
  readonly flags: SharedArrayBuffer
  /** Of what is limited, by address or identity. */
  readonly rates: { readonly refusals: SharedArrayBuffer; readonly requests: SharedArrayBuffer }
  readonly rateSeed: string
}

const FLAGS = { auditReady: 0, connections: 1 } as const

export const sharedMemory = (): SharedMemory => ({
  generations: generationMemory(),
  orders: versionOrderMemory(),
  sequencers: versionOrderMemory(),
  pins: pinMemory(),
  rates: { refusals: rateMemory(), requests: rateMemory() },
  rateSeed: newUuid(),
  flags: new SharedArrayBuffer(Object.keys(FLAGS).length * Int32Array.BYTES_PER_ELEMENT),
})

export interface SharedFlags {
  readonly isAuditReady: () => boolean
  readonly setAuditReady: (isReady: boolean) => void
  /** Open connections of S3 clients, of all threads. */
  readonly connections: { readonly count: () => number; readonly add: (change: 1 | -1) => void }
}

export function sharedFlags({ flags }: Pick<SharedMemory, 'flags'>): SharedFlags {
  const numbers = new Int32Array(flags)
  return {
    isAuditReady: () => Atomics.load(numbers, FLAGS.auditReady) === 1,
    setAuditReady: (isReady) => void Atomics.store(numbers, FLAGS.auditReady, isReady ? 1 : 0),
    connections: {
      count: () => Atomics.load(numbers, FLAGS.connections),
      add: (change) => void Atomics.add(numbers, FLAGS.connections, change),
    },
  }
}
