import type { RowChange } from './commit-group.ts'
import { encodeValue, SEQUENCE_KEY, sequenceOf } from './level-format.ts'

/** 16 bytes for a sequence number, always the same, that nobody can make or learn who only uses the store. */
export type LogMark = (sequence: number) => Buffer

const MARK_BYTES = 16

/** First in every batch: tells, too, a batch in the log from bytes that look like one. */
export const sequenceRow = (sequence: number, mark: LogMark): RowChange => ({
  key: SEQUENCE_KEY,
  value: encodeValue(sequence, mark(sequence)),
})

/** LevelDB's number of the batch (8), how many rows it has (4). */
const BATCH_HEADER_BYTES = 12
/** A row that is put, the length of the key, the key, the length of the value. */
const BEFORE_VALUE = Buffer.concat([Buffer.of(1, SEQUENCE_KEY.length), SEQUENCE_KEY, Buffer.of(6 + MARK_BYTES)])
const VALUE_AT = BATCH_HEADER_BYTES + BEFORE_VALUE.length

/** What of a batch's beginning must be known to tell whether it is marked. */
export const BATCH_HEAD_BYTES = VALUE_AT + 6 + MARK_BYTES

/** The sequence number of a batch, of which `head` is the beginning; undefined when it does not bear its mark. */
export function markedSequence(head: Buffer, mark: LogMark): number | undefined {
  const value = head.subarray(VALUE_AT, BATCH_HEAD_BYTES)
  if (head.length < BATCH_HEAD_BYTES || !head.subarray(BATCH_HEADER_BYTES, VALUE_AT).equals(BEFORE_VALUE))
    return undefined
  const sequence = sequenceOf(value)
  return mark(sequence).equals(value.subarray(6)) ? sequence : undefined
}
