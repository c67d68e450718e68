import type { LevelStore } from '../../storage/metadata/level-store.ts'
import type { ReadPace } from '../../storage/metadata/open-tables.ts'
import { adviseOn, type Finding } from './finding.ts'

/** Stores of this process by their directory in the data directory: those that are open by the time of a look. */
export type OpenTables = ReadonlyMap<string, Pick<LevelStore, 'tableFaults'>>

/** Every block of every table of stores that are open. */
export async function verifyTables(
  stores: OpenTables,
  pace: ReadPace,
  onFinding: (finding: Finding) => void,
): Promise<void> {
  for (const [store, { tableFaults }] of stores) {
    for await (const { file, damage, ...fault } of tableFaults(pace)) {
      onFinding(adviseOn({ kind: 'table-damaged', file: `${store}/${file}`, ...fault, damage: `the store ${damage}` }))
    }
  }
}
