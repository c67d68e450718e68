import { readFileSync } from 'node:fs'
import { isDecryptError } from '../decrypt/errors.ts'
import { readBatch, readLog } from '../decrypt/level/log-file.ts'
import { readLevelManifest } from '../decrypt/level/manifest-file.ts'
import { openTable } from '../decrypt/level/table-file.ts'
import type { StoreName } from '../decrypt/rows.ts'
import type { Findings } from './findings.ts'
import type { StoreCheck } from './store-check.ts'
import type { Tally } from './tally.ts'
import type { TreeEntry } from './tree.ts'

// docs/storage-format.md, section 2. Every file is read, also tables that LevelDB needs no more: what they hold, they hold.

export function checkTable(file: TreeEntry, kind: string, store: StoreCheck, tally: Tally, findings: Findings): void {
  guarded(file, kind, tally, findings, () => {
    const table = openTable(file.path)
    try {
      let sealed = 0
      for (const entry of table.entries()) sealed += store.entry(entry, file.name)
      if (table.coveredBytes !== file.size)
        findings.problem(file.name, `${file.size - table.coveredBytes} bytes of the table are in no block`)
      // Blocks may be compressed, and share beginnings of keys: all but what is sealed is framing and keys.
      const inFile = Math.min(sealed, table.coveredBytes)
      tally.sealed(kind, inFile)
      tally.clear(kind, table.coveredBytes - inFile)
      tally.unexplained(kind, file.size - table.coveredBytes)
    } finally {
      table.close()
    }
  })
}

export function checkLog(file: TreeEntry, kind: string, store: StoreCheck, tally: Tally, findings: Findings): void {
  guarded(file, kind, tally, findings, () => {
    const bytes = readFileSync(file.path)
    const { records, end } = readLog(bytes)
    let sealed = 0
    for (const { data } of records)
      for (const entry of readBatch(data, file.name)) sealed += store.entry(entry, file.name)
    tally.sealed(kind, sealed)
    tally.clear(kind, end - sealed)
    checkRest(bytes, end, file, kind, tally, findings)
  })
}

export function checkManifest(file: TreeEntry, kind: string, tally: Tally, findings: Findings): void {
  guarded(file, kind, tally, findings, () => {
    const bytes = readFileSync(file.path)
    const { end } = readLog(bytes)
    readLevelManifest(bytes, file.name)
    tally.clear(kind, end)
    checkRest(bytes, end, file, kind, tally, findings)
  })
}

/** Zeros behind the last record are room that was taken ahead. */
function checkRest(bytes: Buffer, end: number, file: TreeEntry, kind: string, tally: Tally, findings: Findings): void {
  const rest = bytes.subarray(end)
  if (rest.every((byte) => byte === 0)) {
    tally.clear(kind, rest.length)
    return
  }
  tally.unexplained(kind, rest.length)
  findings.problem(
    `${file.name} @${end}`,
    `${rest.length} bytes that are no record: what a crash left, damage, or put there`,
  )
}

function guarded({ name, size }: TreeEntry, kind: string, tally: Tally, findings: Findings, work: () => void): void {
  try {
    work()
  } catch (error) {
    if (!isDecryptError(error)) throw error
    findings.problem(name, error.message)
    tally.unexplained(kind, size)
  }
}

export const storeIn = (name: string): StoreName | undefined => {
  const [store] = name.split('/')
  return store === 'metadata' || store === 'iam' || store === 'kms' ? store : undefined
}
