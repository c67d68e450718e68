import { levelReader } from './level-bytes.ts'
import { type LogMark, markedSequence } from './log-mark.ts'
import { FIRST, FULL, LAST, logParts } from './log-parts.ts'
import type { FoundWrite } from './salvage-table.ts'

const HEADER_BYTES = 12
const PUT = 1
const DELETE = 0

/**
 * The writes of a log. Behind damage only batches that bear their mark count: a name that a client chose may look like any other.
 * `damaged`: something is missing, and later batches were read.
 */
export function salvageLog(
  bytes: Buffer,
  mark: LogMark,
): { readonly writes: readonly FoundWrite[]; readonly damaged: boolean } {
  const writes: FoundWrite[] = []
  let damaged = false
  let gone = false
  let parts: Buffer[] | undefined
  for (const { type, data } of logParts(bytes)) {
    const begins = type === FULL || type === FIRST
    if (type === undefined || (!begins && !parts) || (begins && parts)) gone = true
    if (type === undefined) parts = undefined
    else if (begins) parts = [data]
    else parts?.push(data)
    if ((type !== FULL && type !== LAST) || !parts) continue
    const batch = Buffer.concat(parts)
    parts = undefined
    if (gone && markedSequence(batch, mark) === undefined) continue
    damaged ||= gone
    writes.push(...writesIn(batch))
  }
  return { writes, damaged }
}

function* writesIn(batch: Buffer): Generator<FoundWrite> {
  if (batch.length < HEADER_BYTES) return
  let number = batch.readBigUInt64LE(0)
  const reader = levelReader(batch.subarray(HEADER_BYTES))
  while (!reader.atEnd()) {
    const type = reader.varint()
    const key = reader.bytes(reader.varint())
    if (!key || (type !== PUT && type !== DELETE)) return
    const value = type === PUT ? reader.bytes(reader.varint()) : undefined
    if (type === PUT && !value) return
    yield { key, number: number++, value, sure: true }
  }
}
