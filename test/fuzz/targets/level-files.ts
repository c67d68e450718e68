import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import fc from 'fast-check'
import { isDecryptError } from '../../../src/decrypt/errors.ts'
import { readBatch, readLog } from '../../../src/decrypt/level/log-file.ts'
import { readLevelManifest } from '../../../src/decrypt/level/manifest-file.ts'
import { unsnappy } from '../../../src/decrypt/level/snappy.ts'
import { openTable } from '../../../src/decrypt/level/table-file.ts'
import { maskedChecksum } from '../../../src/storage/metadata/level-bytes.ts'
import { decodeManifest } from '../../../src/storage/metadata/level-manifest.ts'
import { surveyLogs } from '../../../src/storage/metadata/log-damage.ts'
import { logParts } from '../../../src/storage/metadata/log-parts.ts'
import { salvageLog } from '../../../src/storage/metadata/salvage-log.ts'
import { type FoundWrite, salvageTable } from '../../../src/storage/metadata/salvage-table.ts'
import { findTableDamage } from '../../../src/storage/metadata/table-check.ts'
import { scratchFile } from '../scratch-file.ts'
import { type FuzzTarget, never } from '../target.ts'

const varint = (value: number): Buffer => {
  const bytes: number[] = []
  let rest = value
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80)
  return Buffer.from([...bytes, rest])
}
const withLength = (bytes: Buffer): Buffer => Buffer.concat([varint(bytes.length), bytes])
const u32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value >>> 0)
  return bytes
}

function logPart(type: number, data: Buffer): Buffer {
  const covered = Buffer.concat([Buffer.of(type), data])
  const length = Buffer.alloc(2)
  length.writeUInt16LE(data.length)
  return Buffer.concat([u32(maskedChecksum(covered)), length, covered])
}
const row = (key: string, value: string) =>
  Buffer.concat([Buffer.of(1), withLength(Buffer.from(key)), withLength(Buffer.from(value))])
const batch = Buffer.concat([Buffer.alloc(8, 1), u32(2), row('a', 'b'), row('c', 'd')])
const edit = Buffer.concat([
  ...[
    varint(1),
    withLength(Buffer.from('leveldb.BytewiseComparator')),
    varint(2),
    varint(3),
    varint(3),
    varint(9),
    varint(4),
    varint(700),
  ],
  ...[
    varint(7),
    varint(0),
    varint(5),
    varint(400),
    withLength(Buffer.from('a12345678')),
    withLength(Buffer.from('z12345678')),
  ],
  ...[varint(6), varint(1), varint(4), varint(5), varint(0), withLength(Buffer.from('k'))],
])
/** Parts with the right checksums, and anything in them. */
const piece = fc.oneof(
  fc.uint8Array({ maxLength: 40 }),
  fc.constantFrom<Uint8Array>(batch, edit, Buffer.alloc(200, 0xff)),
  fc.constant(Buffer.alloc(300, 0x80)),
)
const part = fc.tuple(fc.constantFrom(1, 2, 3, 4), piece).map(([type, data]) => logPart(type, Buffer.from(data)))
const mark = (sequence: number): Buffer => Buffer.alloc(16, sequence % 256)

/** What is salvaged was there: no more of it than there are bytes, and nothing is made up. */
function areFound(writes: readonly FoundWrite[], input: Buffer): void {
  assert.ok(writes.length <= input.length, 'more rows are salvaged than there can be')
  for (const { value } of writes) if (value && value.length > 8) assert.ok(input.includes(value), 'a value is made up')
}
const ofDecrypt = (read: () => unknown): void => {
  try {
    read()
  } catch (error) {
    if (!isDecryptError(error)) throw error
  }
}

export const levelLogTarget: FuzzTarget = {
  name: 'level-log',
  seeds: [
    logPart(1, batch),
    logPart(1, edit),
    Buffer.concat([logPart(2, batch.subarray(0, 10)), logPart(4, batch.subarray(10)), logPart(1, edit)]),
  ],
  inputs: fc.array(part, { maxLength: 6 }).map((parts) => Buffer.concat(parts)),
  mayThrow: never,
  run: (input) => {
    let bytes = 0
    for (const { data } of logParts(input)) bytes += data.length
    if (bytes > input.length) throw new Error('parts of a log are longer than the log')
    decodeManifest(input)
    surveyLogs(
      [
        { name: 'a', bytes: input },
        { name: 'b', bytes: input },
      ],
      mark,
    )
    areFound(salvageLog(input, mark).writes, Buffer.concat([...logParts(input)].map(({ data }) => data)))
    ofDecrypt(() => readLevelManifest(input, 'the manifest'))
    ofDecrypt(() => {
      for (const { data } of readLog(input).records) ofDecrypt(() => readBatch(data, 'the batch'))
    })
    ofDecrypt(() => readBatch(input, 'the batch'))
  },
}

const blockOf = (entries: readonly (readonly [shared: number, rest: Buffer, value: Buffer])[]): Buffer =>
  Buffer.concat([
    ...entries.flatMap(([shared, rest, value]) => [
      varint(shared),
      varint(rest.length),
      varint(value.length),
      rest,
      value,
    ]),
    ...[u32(0), u32(1)],
  ])
function sealedBlock(type: number, bytes: Buffer): Buffer {
  const covered = Buffer.concat([bytes, Buffer.of(type)])
  return Buffer.concat([covered, u32(maskedChecksum(covered))])
}
const key = (text: string) => Buffer.concat([Buffer.from(text), Buffer.of(1, 2, 0, 0, 0, 0, 0, 0)])
/** Blocks with the right checksums, whatever is in them, and an index that names them. */
function tableOf(type: number, rows: Buffer, handle = Buffer.concat([varint(0), varint(rows.length)])): Buffer {
  const first = sealedBlock(type, rows)
  const index = blockOf([[0, key('z'), handle]])
  const empty = blockOf([])
  const footer = Buffer.concat([
    ...[varint(first.length), varint(empty.length), varint(first.length + empty.length + 5), varint(index.length)],
  ])
  return Buffer.concat([
    ...[first, sealedBlock(0, empty), sealedBlock(0, index), footer, Buffer.alloc(40 - footer.length)],
    Buffer.from('57fb808b247547db', 'hex'),
  ])
}
const ROWS = blockOf([
  [0, key('a'), Buffer.from('1')],
  [1, key('b'), Buffer.from('2')],
])
/** A length, then a literal and a copy that reaches into itself. */
const SNAPPY = Buffer.concat([
  varint(12),
  Buffer.of((3 << 2) | 0),
  Buffer.from('abcd'),
  Buffer.of(((4 << 2) | 1) & 0xff, 4),
])

const openFiles = (): number => readdirSync('/dev/fd').length

export const levelTableTarget: FuzzTarget = {
  name: 'level-table',
  seeds: [tableOf(0, ROWS), tableOf(1, SNAPPY), SNAPPY],
  inputs: fc
    .tuple(fc.constantFrom(0, 1, 2, 3), piece, fc.oneof(fc.constant(undefined), piece))
    .map(([type, rows, handle]) => tableOf(type, Buffer.from(rows), handle && Buffer.from(handle).subarray(0, 200))),
  mayThrow: never,
  run: (input) => {
    findTableDamage(input)
    salvageTable(input)
    ofDecrypt(() => unsnappy(input, 'the block'))
    const path = scratchFile(input)
    const before = openFiles()
    ofDecrypt(() => {
      const table = openTable(path)
      try {
        for (const entry of table.entries()) void entry.key
      } finally {
        table.close()
      }
    })
    assert.equal(openFiles(), before, 'a file stays open')
  },
}
