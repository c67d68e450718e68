import { CodedError } from '../base/errors.ts'

/**
 * Stored records: `u8 version ‖ u32 length ‖ JSON ‖ u32 length ‖ section …`. The JSON is what may be known without the
 * root key (a locked bucket still lists names, sizes and dates and lets objects be deleted); the sections are ciphertext.
 * The whole value is sealed again by the store. A version byte that is not known is refused, never guessed.
 */
const RECORD_VERSION = 1

export type Sections = readonly Buffer[]

export function encode(json: unknown, sections: Sections = []): Buffer {
  const text = Buffer.from(JSON.stringify(json), 'utf8')
  const all = [text, ...sections]
  const out = Buffer.allocUnsafe(1 + all.reduce((sum, part) => sum + 4 + part.length, 0))
  out[0] = RECORD_VERSION
  let at = 1
  for (const part of all) {
    out.writeUInt32BE(part.length, at)
    part.copy(out, at + 4)
    at += 4 + part.length
  }
  return out
}

export function decode(value: Buffer): { readonly json: Record<string, unknown>; readonly sections: Buffer[] } {
  if (value[0] !== RECORD_VERSION) throw corrupt(`record version ${value[0]} is not known`)
  let head: string | undefined
  const sections: Buffer[] = []
  let at = 1
  while (at < value.length) {
    if (at + 4 > value.length) throw corrupt('record ends inside a length')
    const end = at + 4 + value.readUInt32BE(at)
    if (end > value.length) throw corrupt('record ends inside a section')
    if (head === undefined) head = value.toString('utf8', at + 4, end)
    else sections.push(value.subarray(at + 4, end))
    at = end
  }
  if (head === undefined) throw corrupt('record has no head')
  return { json: objectOf(parsed(head)), sections }
}

function parsed(head: string): unknown {
  try {
    return JSON.parse(head)
  } catch (cause) {
    throw new CodedError('MetadataCorrupt', 'record head is not JSON', { cause })
  }
}

export function objectOf(json: unknown): Record<string, unknown> {
  if (typeof json !== 'object' || json === null) throw corrupt('record head is not an object')
  return json as Record<string, unknown>
}

export const corrupt = (message: string): CodedError<'MetadataCorrupt'> => new CodedError('MetadataCorrupt', message)

// The store authenticates every value, so what decodes was written by the functions below: the readers only pick.
export const text = (json: Record<string, unknown>, name: string): string => String(scalar(json[name]))
export const number = (json: Record<string, unknown>, name: string): number => Number(scalar(json[name]))
/** Absent: 0. */
export const optional = (json: Record<string, unknown>, name: string): number => Number(scalar(json[name] ?? 0))
/** Objects cannot always be made text or numbers of: one may have a member `toString`. */
export const scalar = (value: unknown): unknown => {
  if (typeof value === 'object' && value !== null) throw corrupt('a member of a record is an object')
  return value
}
export const section = (sections: Sections, index: number): Buffer => {
  const found = sections[index]
  if (!found) throw corrupt('record lacks a section')
  return found
}
