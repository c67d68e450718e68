import type { DamagedRow } from '../../storage/metadata/damaged-rows.ts'
import type { Entry } from '../../storage/metadata/metadata-store.ts'
import { decodeVersion, type VersionRecord } from '../records.ts'
import { isForged } from './checking.ts'

/** What a row says; undefined where it cannot be read, which is told of elsewhere. */
export function legible<T>(decode: () => T): T | undefined {
  try {
    return decode()
  } catch (error) {
    if (isForged(error)) return undefined
    throw error
  }
}

export const versionIn = (row: Entry | DamagedRow): VersionRecord | undefined =>
  'damage' in row ? undefined : legible(() => decodeVersion(row.value))
