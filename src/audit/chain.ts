import { canonicalJson } from '../envelope/canonical-json.ts'
import { type AuditEvent, eventBody } from './event.ts'
import { chainHash, FORMAT, formatLine } from './format.ts'
import type { SigningKey } from './keys.ts'
import type { AuditRecord, Own } from './records.ts'

/** A place in the chain: the last line there is. */
export interface Link {
  readonly seq: number
  readonly hash: string
}

/** Writes lines behind a link, in memory; whoever uses it makes them durable. */
export interface Chain {
  readonly head: () => Link
  /** Lines since the last checkpoint. */
  readonly unsigned: () => number
  readonly event: (event: AuditEvent, atMs: number) => string
  readonly own: (record: Own<Exclude<AuditRecord['type'], 'event' | 'checkpoint' | 'file'>>, atMs: number) => string
  readonly file: (record: Pick<Own<'file'>, 'file' | 'torn'>, atMs: number) => string
  readonly checkpoint: (atMs: number) => string
}

export function chainFrom(start: Link, unsignedLines: number, key: SigningKey): Chain {
  let { seq, hash } = start
  let unsigned = unsignedLines
  const time = isoTimes()

  const line = (body: string, signed = false): string => {
    hash = chainHash(hash, body)
    unsigned = signed ? 0 : unsigned + 1
    return formatLine(body, hash, signed ? key.sign(hash) : undefined)
  }
  const own: Chain['own'] = (record, atMs) => line(canonicalJson({ ...record, seq: ++seq, time: time(atMs) }))

  return {
    head: () => ({ seq, hash }),
    unsigned: () => unsigned,
    event: (event, atMs) => line(eventBody(event, ++seq, time(atMs))),
    own,
    file: (record, atMs) => {
      const { keyId } = key
      const body = { ...record, type: 'file', format: FORMAT, keyId, prev: hash, seq: ++seq, time: time(atMs) }
      return line(canonicalJson(body))
    },
    checkpoint: (atMs) => {
      const body = { type: 'checkpoint', keyId: key.keyId, prev: hash, seq: ++seq, time: time(atMs) }
      return line(canonicalJson(body), true)
    },
  }
}

/** Events of one millisecond share its text. */
function isoTimes(): (atMs: number) => string {
  let lastMs = Number.NaN
  let text = ''
  return (atMs) => {
    if (atMs !== lastMs) {
      lastMs = atMs
      text = new Date(atMs).toISOString()
    }
    return text
  }
}
