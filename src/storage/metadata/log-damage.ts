import { FIRST, FULL, LAST, logParts } from './log-parts.ts'

/** Where a log stops to make sense although later batches show that writing went on. */
export interface LogDamage {
  readonly name: string
  readonly offset: number
}

export interface LogFile {
  readonly name: string
  readonly bytes: Buffer
}

/**
 * LevelDB passes over damage without a word, and with it over acknowledged batches. Each batch is synced before the next
 * one is written, so a power cut spoils nothing but the last: damage with a batch that begins behind it was no power cut.
 * Damage with none behind it is taken for one. `logs` in the order in which they were written.
 */
export function findLogDamage(logs: readonly LogFile[]): LogDamage | undefined {
  let damage: LogDamage | undefined
  for (const { name, bytes } of logs) {
    let pendingFrom: number | undefined
    for (const part of logParts(bytes)) {
      const begins = part.type === FULL || part.type === FIRST
      if (begins && pendingFrom !== undefined) damage ??= { name, offset: pendingFrom }
      if (begins && damage) return damage
      if (part.type === undefined || (!begins && pendingFrom === undefined)) damage ??= { name, offset: part.offset }
      if (part.type === FIRST) pendingFrom = part.offset
      else if (part.type === LAST || part.type === undefined) pendingFrom = undefined
    }
    if (pendingFrom !== undefined) damage ??= { name, offset: pendingFrom }
  }
  return undefined
}
