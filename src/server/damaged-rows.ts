import type { Iam } from '../iam/iam.ts'
import type { KmsService } from '../kms/service.ts'
import { byLabel, type Gauge } from '../observe/metrics.ts'

/** Stored rows that could not be read at the start, by store. What they are of is refused; their number grows no more. */
export interface DamagedRows {
  readonly total: () => number
  readonly gauge: () => Gauge
}

export function damagedRowsOf(
  iam: Pick<Iam, 'damagedRows'>,
  kms: Pick<KmsService, 'damagedRows'> | undefined,
): DamagedRows {
  const values = (): Record<string, number> => ({ iam: iam.damagedRows(), ...(kms ? { kms: kms.damagedRows() } : {}) })
  return {
    total: () => Object.values(values()).reduce((sum, count) => sum + count, 0),
    gauge: () => ({
      name: 'coffer_damaged_rows',
      help: 'Stored keys, identities, rights and policies that could not be read at the start and are refused.',
      type: 'gauge',
      samples: byLabel('store', values()),
    }),
  }
}
