import type { z } from 'zod'
import { kmsError } from './errors.ts'

/** Stored records are JSON with a format number, checked when read: what does not fit is damage, never a default. */
export interface RecordCodec<T> {
  readonly encode: (record: T) => Buffer
  /** Throws KeyDamaged. */
  readonly decode: (bytes: Buffer) => T
}

export function recordCodec<T>(name: string, schema: z.ZodType<T>): RecordCodec<T> {
  return {
    // Checked here too: what is written and could not be read would be found out at the next start.
    encode: (record) => Buffer.from(JSON.stringify({ format: 1, ...schema.parse(record) }), 'utf8'),
    decode: (bytes) => {
      const parsed = schema.safeParse(parseFormat1(name, bytes))
      if (!parsed.success) throw kmsError('KeyDamaged', `a stored ${name} does not have the expected shape`)
      return parsed.data
    },
  }
}

function parseFormat1(name: string, bytes: Buffer): unknown {
  let value: unknown
  try {
    value = JSON.parse(bytes.toString('utf8'))
  } catch {
    throw kmsError('KeyDamaged', `a stored ${name} is not JSON`)
  }
  if (typeof value !== 'object' || value === null || !('format' in value) || value.format !== 1) {
    throw kmsError('KeyDamaged', `a stored ${name} has a format that this release does not know`)
  }
  const { format: _format, ...rest } = value
  return rest
}
