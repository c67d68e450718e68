import { byLabel, type Gauge } from '../observe/metrics.ts'
import type { ObjectsRoom } from './objects-room.ts'

/** What an operator watches of keys: buckets that are locked, and root keys that wrap no more or soon will not. */
export function storeGauges({ objects, wrapBudgets }: Pick<ObjectsRoom, 'objects' | 'wrapBudgets'>): readonly Gauge[] {
  const buckets = objects.keyChecks.states().map(({ state }) => state)
  const budgets = wrapBudgets().map(({ state }) => state)
  return [
    {
      name: 'coffer_buckets',
      help: 'Buckets by what is known of their root keys.',
      type: 'gauge',
      samples: byLabel('state', counted(buckets, ['open', 'locked', 'refused', 'unchecked'])),
    },
    {
      name: 'coffer_wrap_budgets',
      help: 'Versions of root keys that this process uses, by how many data keys they have wrapped.',
      type: 'gauge',
      samples: byLabel('state', counted(budgets, ['below', 'near', 'spent'])),
    },
  ]
}

const counted = <State extends string>(found: readonly State[], states: readonly State[]): Record<string, number> =>
  Object.fromEntries(states.map((state) => [state, found.filter((each) => each === state).length]))
