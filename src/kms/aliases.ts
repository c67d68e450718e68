import { z } from 'zod'
import { isUuid } from '../base/ids.ts'
import { invalidField } from './errors.ts'
import { recordCodec } from './record.ts'

const aliasSchema = z.strictObject({
  keyId: z.uuid(),
  createdAt: z.number(),
  createdBy: z.string(),
})

export type AliasRecord = Readonly<z.infer<typeof aliasSchema>>

export const aliasRecords = recordCodec<AliasRecord>('alias record', aliasSchema)

export const MAX_ALIASES_OF_KEY = 5
export const MAX_ALIASES_OF_INSTANCE = 1000

// Key Protect: words that stand for something else where a key id may stand.
const RESERVED: ReadonlySet<string> = new Set([
  'allowed_ip',
  'key',
  'keys',
  'metadata',
  'policy',
  'policies',
  'registration',
  'registrations',
  'ring',
  'rings',
  'rotate',
  'wrap',
  'unwrap',
  'rewrap',
  'version',
  'versions',
])

/** Throws InvalidField. */
export function assertAliasName(alias: string): void {
  if (!/^[A-Za-z0-9_-]{2,90}$/.test(alias) || isUuid(alias) || RESERVED.has(alias)) {
    throw invalidField(
      'alias',
      'an alias has 2 to 90 letters, digits, hyphens or underscores, is no UUID and no reserved word',
    )
  }
}
