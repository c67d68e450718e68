import { createHasher } from '../../base/checksums.ts'
import { garbageKey, rowsUnder } from '../keyspace.ts'
import type { Subject } from './options.ts'

/**
 * The rows of a target lie behind its name and 00. A message is `ready` until it was not taken once, or something of the same
 * object was not: from then on it is `held`, and what is held of an object has one row that says when it is `due`, or that it
 * was `refused` and when it is tried again. So each row is looked at when there is something to do with it, however many wait,
 * and what was refused, however much it is, is in the way of nothing that was not.
 */
export type DueKind = 'due' | 'refused'
export type Kind = 'ready' | 'held' | DueKind
const KINDS = { ready: 1, held: 2, due: 3, refused: 4 } as const
/** The first byte of the time in rows of earlier releases. */
const OLD = 0

/** `u64 time ‖ order ‖ random`, at the end of each message's row. */
const STAMP_BYTES = 24
const HOLD_BYTES = 16

export const prefixOf = (target: string): Buffer => Buffer.from(`${target}\0`, 'utf8')
export const oldRowsOf = (target: string) => rowsUnder(Buffer.concat([prefixOf(target), Buffer.from([OLD])]))
/** Those that are messages, also of earlier releases. */
export const messageRows = (target: string) => ({
  gte: oldRowsOf(target).gte,
  lt: kindPrefix(target, 'due'),
})
export const kindPrefix = (target: string, kind: Kind): Buffer =>
  Buffer.concat([prefixOf(target), Buffer.from([KINDS[kind]])])
export const lanePrefix = (target: string, kind: Kind, lane: string): Buffer =>
  Buffer.concat([kindPrefix(target, kind), Buffer.from(`${lane}\0`, 'utf8')])

/** Of two messages of one millisecond the later one comes later. */
export const stamp = (timeMs: number, order: Buffer, random: Buffer): Buffer =>
  garbageKey(timeMs, Buffer.concat([order, random]))
export const stampOf = (row: Buffer): Buffer => row.subarray(-STAMP_BYTES)

/** The time of a message; undefined of another row. `prefix`: of its target. */
export function timeOf(row: Buffer, prefix: Buffer): number | undefined {
  const kind = row[prefix.length] ?? KINDS.due
  if (kind >= KINDS.due || row.length < prefix.length + STAMP_BYTES) return undefined
  return Number(stampOf(row).readBigUInt64BE())
}

export const readyRow = (target: string, lane: string, of: Buffer): Buffer =>
  Buffer.concat([lanePrefix(target, 'ready', lane), of])

/** Of the messages of one bucket. Names of buckets elsewhere are not to be read on the disk. */
export const laneOf = ({ bucket }: Subject): string => digest(bucket).toString('hex')

/** What waits for each other has the same. */
export const holdOf = ({ key, id }: Subject): Buffer => (key === undefined ? ownHold(id) : digest(`/${key}`))
/** Of a message that nothing waits for. */
export const ownHold = (id: string): Buffer => digest(`\n${id}`)

function digest(text: string): Buffer {
  const hasher = createHasher('sha256')
  hasher.update(Buffer.from(text, 'utf8'))
  return hasher.digest().subarray(0, HOLD_BYTES)
}

export const heldPrefix = (target: string, lane: string, hold: Buffer): Buffer =>
  Buffer.concat([lanePrefix(target, 'held', lane), hold])
export const heldRow = (target: string, lane: string, hold: Buffer, of: Buffer): Buffer =>
  Buffer.concat([heldPrefix(target, lane, hold), of])

export const dueRow = (target: string, kind: DueKind, lane: string, dueMs: number, hold: Buffer): Buffer =>
  Buffer.concat([lanePrefix(target, kind, lane), garbageKey(Math.ceil(dueMs), hold)])
/** Those that are due from the one time on until before the other. */
export function dueRows(
  target: string,
  kind: DueKind,
  lane: string,
  fromMs: number,
  beforeMs = Number.POSITIVE_INFINITY,
) {
  const { lt } = rowsUnder(lanePrefix(target, kind, lane))
  const at = (ms: number): Buffer => dueRow(target, kind, lane, ms, Buffer.alloc(0))
  return { gte: at(fromMs), lt: beforeMs === Number.POSITIVE_INFINITY ? lt : at(beforeMs) }
}

/** When, and what. */
export function splitDueRow(row: Buffer): { readonly dueMs: number; readonly hold: Buffer } {
  const at = row.length - HOLD_BYTES - 8
  return { dueMs: Number(row.readBigUInt64BE(at)), hold: row.subarray(at + 8) }
}
