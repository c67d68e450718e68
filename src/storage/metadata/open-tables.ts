import { hasErrno } from '../errno.ts'
import { readManifest } from './level-files.ts'
import { lostTable, type TableFault, tableName, wrongWith } from './level-tables.ts'

/** Resolves when so many bytes may be read. */
export type ReadPace = (bytes: number) => Promise<void>

/**
 * What is wrong with the tables of a store that is open, one after another. LevelDB merges tables while it runs, goes by what a
 * rotten one says, and gives the new one checksums that are right: what is wrong is told even of one that is gone by now.
 */
export async function* openTableFaults(directory: string, pace: ReadPace): AsyncGenerator<TableFault> {
  const { logNumber, tables, damagedAt } = await readManifest(directory)
  if (damagedAt !== undefined) {
    yield { file: 'MANIFEST', offset: damagedAt, damage: `has a manifest that is damaged at byte ${damagedAt}` }
  } else if (logNumber === 0) {
    // LevelDB names its log in the first thing that it writes there, and needs that at the next start only.
    yield { file: 'MANIFEST', damage: 'has lost its manifest, or it cannot be read' }
  }
  let buffer: Buffer = Buffer.alloc(0)
  for (const [number, lengthBytes] of tables) {
    await pace(lengthBytes)
    if (buffer.length < lengthBytes) buffer = Buffer.allocUnsafeSlow(lengthBytes)
    const table = buffer.subarray(0, lengthBytes)
    const fault = await wrongWith(directory, tableName(number), table).catch(async (error: unknown) => {
      if (!hasErrno(error, 'ENOENT')) throw error
      // That a table is needed no more is durable before it is removed.
      return (await readManifest(directory)).tables.has(number) ? lostTable(number) : undefined
    })
    if (fault) yield fault
  }
}
