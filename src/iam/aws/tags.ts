import { z } from 'zod'
import { invalidInput, limitExceeded, validation } from './errors.ts'

/** Of a user, a role or a managed policy. Keys differ in more than case. */
export interface IamTag {
  readonly key: string
  readonly value: string
}

/** What can have tags. */
export interface Tagged {
  readonly tags?: readonly IamTag[] | undefined
}

export const tagsSchema = z.array(z.strictObject({ key: z.string(), value: z.string() })).optional()

/** AWS's. */
export const MAX_TAGS = 50

/** Throws ValidationError. */
export function checkTag({ key, value }: IamTag): void {
  if (!/^[\p{L}\p{Z}\p{N}_.:/=+\-@]{1,128}$/u.test(key) || /^aws:/i.test(key)) {
    throw validation('A key of a tag is not valid.')
  }
  if (!/^[\p{L}\p{Z}\p{N}_.:/=+\-@]{0,256}$/u.test(value)) throw validation('A value of a tag is not valid.')
}

const lower = ({ key }: Pick<IamTag, 'key'>): string => key.toLowerCase()

/** Each in place of the one that it has the key of. Throws InvalidInput for a key that is given twice, LimitExceeded, ValidationError. */
export function withTags<Row extends Tagged>(row: Row, given: readonly IamTag[]): Row {
  if (given.length === 0) return row
  for (const tag of given) checkTag(tag)
  const keys = new Set(given.map(lower))
  if (keys.size !== given.length) {
    throw invalidInput('Duplicate tag keys found. Please note that Tag keys are case insensitive.')
  }
  const tags = [...(row.tags ?? []).filter((tag) => !keys.has(lower(tag))), ...given]
  if (tags.length > MAX_TAGS) throw limitExceeded(`Cannot exceed quota for tags: ${MAX_TAGS}`)
  return { ...row, tags }
}

/** Keys that there are not change nothing. */
export function withoutTags<Row extends Tagged>(row: Row, keys: readonly string[]): Row {
  const gone = new Set(keys.map((key) => lower({ key })))
  return { ...row, tags: (row.tags ?? []).filter((tag) => !gone.has(lower(tag))) }
}
