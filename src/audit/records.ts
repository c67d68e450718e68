import { z } from 'zod'
import { FORMAT } from './format.ts'

/** What the log says about itself. Members that a later version adds are taken as they are. */

const hash = z.string().regex(/^[\w-]{43}$/)
const count = z.int().min(0)
const common = { seq: z.int().min(1), time: z.iso.datetime({ precision: 3 }) }

/** Bytes that an interrupted write left behind the last whole line of the file before. */
const torn = z.object({ bytes: z.int().min(1), sha256: hash })
export type Torn = z.output<typeof torn>

/** The first line of each file. `prev`: the hash that its chain goes on from. */
export const fileRecord = z.object({
  ...common,
  type: z.literal('file'),
  format: z.literal(FORMAT),
  file: z.int().min(1),
  keyId: z.string(),
  prev: hash,
  torn: torn.optional(),
})

/** Signed. `prev` makes it a place where an excerpt may begin. */
export const checkpointRecord = z.object({ ...common, type: z.literal('checkpoint'), keyId: z.string(), prev: hash })

/** A run of a server begins. `unsigned`: lines before it that no checkpoint had signed when the last run ended. */
export const startRecord = z.object({ ...common, type: z.literal('start'), unsigned: count })
export const stopRecord = z.object({ ...common, type: z.literal('stop') })

/** All files up to this one were removed, for the log to stay in its bounds. */
export const droppedRecord = z.object({
  ...common,
  type: z.literal('dropped'),
  throughFile: z.int().min(1),
  throughSeq: z.int().min(1),
  throughHash: hash,
  files: z.int().min(1),
  bytes: count,
})

/** Events that could be kept neither on the disk nor in memory. */
export const lostRecord = z.object({ ...common, type: z.literal('lost'), events: z.int().min(1) })

export const eventRecord = z.looseObject({
  ...common,
  type: z.literal('event'),
  kind: z.string(),
  action: z.string(),
  outcome: z.enum(['success', 'failure']),
})

export const auditRecord = z.discriminatedUnion('type', [
  fileRecord,
  checkpointRecord,
  startRecord,
  stopRecord,
  droppedRecord,
  lostRecord,
  eventRecord,
])
export type AuditRecord = z.output<typeof auditRecord>
/** A record of the log about itself before it has its place in the chain. */
export type Own<Type extends AuditRecord['type']> = Placeless<Extract<AuditRecord, { readonly type: Type }>>
type Placeless<Member> = Member extends AuditRecord ? Omit<Member, 'seq' | 'time'> : never
