import { type DamagedRow, rangeWithDamaged } from '../../storage/metadata/damaged-rows.ts'
import type { Entry } from '../../storage/metadata/metadata-store.ts'
import { partKey, partNumberOf, rowsUnder, SPACE } from '../keyspace.ts'
import { decodePart, type PartRecord } from '../records.ts'
import { type Checking, isForged } from './checking.ts'

const PAGE = 500

/** The rows of the parts under an envelope id, by number; an error where one cannot be read. */
export async function partRows(
  { metadata }: Pick<Checking, 'metadata'>,
  envelopeId: Buffer,
): Promise<ReadonlyMap<number, PartRecord | Error>> {
  const rows = new Map<number, PartRecord | Error>()
  const { lt } = rowsUnder(envelopeId)
  for (let gte = partKey(envelopeId, 0); ; ) {
    const page = await rangeWithDamaged(metadata, SPACE.part, { gte, lt, limit: PAGE })
    for (const row of page) rows.set(partNumberOf(row.key), recordIn(row))
    const last = page.at(-1)
    if (page.length < PAGE || !last) return rows
    gte = Buffer.concat([last.key, Buffer.of(0)])
  }
}

function recordIn(row: Entry | DamagedRow): PartRecord | Error {
  if ('damage' in row) return row.damage
  try {
    return decodePart(row.value)
  } catch (error) {
    if (error instanceof Error && isForged(error)) return error
    throw error
  }
}
