import type { Clock } from '../../base/clock.ts'
import { hasCode } from '../../base/errors.ts'
import type { MetadataStore, MetadataStoreErrorCode, Write } from '../../storage/metadata/metadata-store.ts'
import { SPACE } from '../keyspace.ts'
import { decode, encode, text } from '../record-codec.ts'
import { versionOrders } from '../version-id.ts'

/** What tells of two events of an object which is the later one: 16 hex digits, greater each time. */
export interface Sequencers {
  readonly next: () => string
  /** For the commit that stores what the latest sequencers are of. */
  readonly write: () => Write
}

/** Bucket ids have 16 bytes. */
const ROW = Buffer.from('sequencer', 'ascii')
/** A minute of orders: commits may land in another order than their sequencers were taken. */
const AHEAD = 60_000n << 20n

/**
 * They go on behind those of earlier runs, whatever the clock says now: the events may be delivered, and nothing be left of them.
 * `memory`: as of versionOrders, which all threads share.
 */
export async function openSequencers(
  metadata: MetadataStore,
  clock: Clock,
  memory?: SharedArrayBuffer,
): Promise<Sequencers> {
  let last = await reached(metadata)
  const orders = versionOrders(clock, memory, last)
  return {
    next: () => {
      last = orders.next(0n)
      return hex(last)
    },
    write: () => ({ type: 'put', space: SPACE.lifecycle, key: ROW, value: encode({ sequencer: hex(last + AHEAD) }) }),
  }
}

const hex = (order: bigint): string => order.toString(16).toUpperCase().padStart(16, '0')

/** A damaged row is made anew with the next event. */
async function reached(metadata: MetadataStore): Promise<bigint> {
  try {
    const row = await metadata.get(SPACE.lifecycle, ROW)
    return row ? BigInt(`0x${text(decode(row.value).json, 'sequencer')}`) : 0n
  } catch (error) {
    if (!hasCode<MetadataStoreErrorCode>(error, 'MetadataCorrupt')) throw error
    return 0n
  }
}
