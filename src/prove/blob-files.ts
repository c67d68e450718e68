import { closeSync, openSync, readSync } from 'node:fs'
import { isRemoved, PACK_HEADER_BYTES, packedLength, packHeaderProblem } from '../decrypt/blobs.ts'
import type { ByteSource } from '../decrypt/bytes.ts'
import { damaged } from '../decrypt/errors.ts'
import type { Findings } from './findings.ts'
import { checkBlob } from './sealed-blob.ts'
import type { Tally } from './tally.ts'
import type { TreeEntry } from './tree.ts'

export function checkBlobFile(file: TreeEntry, kind: string, tally: Tally, findings: Findings): void {
  withBytes(file, (bytes) => {
    const check = { kind, where: file.name, isRemoved: false, mayBeCut: true }
    checkBlob(bytes, check, tally, findings)
  })
}

/** A pack: records one after another, each of which is a blob. docs/storage-format.md, section 4. */
export function checkPack(file: TreeEntry, kind: string, tally: Tally, findings: Findings): void {
  withBytes(file, (bytes) => {
    let at = 0
    while (at + PACK_HEADER_BYTES <= bytes.length) {
      const header = bytes.read(at, PACK_HEADER_BYTES)
      const problem = packHeaderProblem(header)
      if (problem !== undefined) break
      const from = at + PACK_HEADER_BYTES
      const length = packedLength(header)
      const isCut = from + length > bytes.length
      const there = isCut ? bytes.length - from : length
      tally.clear(kind, PACK_HEADER_BYTES)
      const where = `${file.name} @${at}`
      if (isCut) findings.note(where, `a record of ${length} bytes that was cut short after ${there}`)
      const check = { kind, where, isRemoved: isRemoved(header), mayBeCut: isCut }
      if (there > 0 || length === 0) checkBlob(partOf(bytes, from, there), check, tally, findings)
      at = from + there
      if (isCut) return
    }
    const rest = bytes.length - at
    if (rest === 0) return
    findings.problem(
      `${file.name} @${at}`,
      `${rest} bytes that are no record: what a power cut left, damage, or put there`,
    )
    tally.unexplained(kind, rest)
  })
}

const partOf = (whole: ByteSource, from: number, length: number): ByteSource => ({
  length,
  read: (at, count) => whole.read(from + at, count),
})

function withBytes({ path, size }: TreeEntry, use: (bytes: ByteSource) => void): void {
  const file = openSync(path, 'r')
  try {
    use({
      length: size,
      read: (at, length) => {
        const bytes = Buffer.alloc(length)
        if (readSync(file, bytes, 0, length, at) !== length) throw damaged(`${path} became shorter while it was read`)
        return bytes
      },
    })
  } finally {
    closeSync(file)
  }
}
