import { BATCH_HEAD_BYTES, type LogMark, markedSequence } from './log-mark.ts'
import { FIRST, FULL, LAST, type LogPart, logParts } from './log-parts.ts'

/** Where a log stops to make sense although later batches show that writing went on. */
export interface LogDamage {
  readonly name: string
  readonly offset: number
}

export interface LogFile {
  readonly name: string
  readonly bytes: Buffer
}

export interface LogSurvey {
  readonly damage: LogDamage | undefined
  /** Of the last marked batch that is whole and has no damage before it: how far the logs go. */
  readonly sequence: number | undefined
  /** An earlier version, which made no marks, has written these logs: batches before the damage show it. */
  readonly unmarked: boolean
}

/**
 * LevelDB passes over damage without a word, and with it over acknowledged batches. Each batch is synced before the next
 * one is written, so a power cut spoils nothing but the last: damage with a batch that begins behind it was no power cut.
 * Damage with none behind it is taken for one. `logs` in the order in which they were written.
 *
 * What begins behind damage is searched for at every byte, and clients choose bytes of a batch: object names stand there
 * in clear, and a name can be a whole record with its checksum. Neither the place of a record (a lost page takes the
 * lengths with it) nor LevelDB's own numbers in it (they can be counted) tell such a name from a batch. So behind damage
 * only a batch that bears its mark counts, which has a key that clients do not. Nor can they have a real mark stand in
 * a record of theirs: of a batch nothing but 19 bytes of LevelDB's own stands before its mark.
 */
export function surveyLogs(logs: readonly LogFile[], mark: LogMark): LogSurvey {
  const search = damageSearch(mark)
  for (const { name, bytes } of logs) {
    for (const part of logParts(bytes)) {
      search.see(name, part)
      if (search.found()) return search.survey()
    }
    search.endLog(name)
  }
  return search.survey()
}

interface BegunBatch {
  readonly offset: number
  /** Its first bytes; undefined once they are judged. */
  head: Buffer | undefined
  sequence: number | undefined
}

function damageSearch(mark: LogMark) {
  let damage: LogDamage | undefined
  let found = false
  let batch: BegunBatch | undefined
  /** Of the last marked batch before the damage: what is older is content of the disk from before. */
  let lastSequence = -1
  let wholeSequence: number | undefined
  let unmarked = false

  const judge = (head: Buffer): number | undefined => {
    const sequence = markedSequence(head, mark)
    if (damage) found ||= unmarked || (sequence !== undefined && sequence > lastSequence)
    else if (sequence === undefined) unmarked = true
    else lastSequence = sequence
    return sequence
  }

  const see = (name: string, { offset, type, data }: LogPart): void => {
    const begins = type === FULL || type === FIRST
    if (begins && batch) damage ??= { name, offset: batch.offset }
    if (type === undefined || (!begins && !batch)) damage ??= { name, offset }
    if (type === undefined) batch = undefined
    else if (begins) batch = { offset, head: data, sequence: undefined }
    else if (batch?.head) batch.head = Buffer.concat([batch.head, data])
    const ends = type === FULL || type === LAST
    if (batch?.head && (ends || batch.head.length >= BATCH_HEAD_BYTES)) {
      batch.sequence = judge(batch.head)
      batch.head = undefined
    }
    if (!ends) return
    if (!damage) wholeSequence = batch?.sequence ?? wholeSequence
    batch = undefined
  }

  return {
    see,
    endLog: (name: string): void => {
      if (batch) damage ??= { name, offset: batch.offset }
      batch = undefined
    },
    found: () => found,
    survey: (): LogSurvey => ({ damage: found ? damage : undefined, sequence: wholeSequence, unmarked }),
  }
}
