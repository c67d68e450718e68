import { z } from 'zod'
import type { SessionTag } from '../principal.ts'
import { validation } from './errors.ts'

/** What a session is told of in its conditions (`aws:PrincipalTag/…`). */
export const sessionTagsSchema = z.array(
  z.strictObject({ key: z.string(), value: z.string(), transitive: z.boolean() }),
)

/** AWS's. */
const MAX_TAGS = 50

/** Throws ValidationError for what AWS would not take. Keys differ in more than case. */
export function checkedSessionTags(
  tags: readonly { readonly key: string; readonly value: string }[],
  transitive: readonly string[],
): SessionTag[] {
  if (tags.length > MAX_TAGS || transitive.length > MAX_TAGS) {
    throw validation(`A session has at most ${MAX_TAGS} tags.`)
  }
  const lower = tags.map(({ key }) => key.toLowerCase())
  if (new Set(lower).size !== lower.length) throw validation('A tag of the session is given twice.')
  for (const { key, value } of tags) {
    if (!/^[\p{L}\p{Z}\p{N}_.:/=+\-@]{1,128}$/u.test(key) || /^aws:/i.test(key)) {
      throw validation('A key of a tag is not valid.')
    }
    if (!/^[\p{L}\p{Z}\p{N}_.:/=+\-@]{0,256}$/u.test(value)) throw validation('A value of a tag is not valid.')
  }
  const handedOn = new Set(transitive.map((key) => key.toLowerCase()))
  if (![...handedOn].every((key) => lower.includes(key))) throw validation('A transitive tag is not given.')
  return tags.map(({ key, value }) => ({ key, value, transitive: handedOn.has(key.toLowerCase()) }))
}

/** With those that the session before it hands on, which nobody may give anew. Throws ValidationError. */
export function withHandedOn(tags: readonly SessionTag[], before: readonly SessionTag[]): readonly SessionTag[] {
  const handedOn = before.filter(({ transitive }) => transitive)
  const taken = new Set(handedOn.map(({ key }) => key.toLowerCase()))
  if (tags.some(({ key }) => taken.has(key.toLowerCase()))) {
    throw validation('A tag is one that the session hands on, and cannot be given anew.')
  }
  if (handedOn.length + tags.length > MAX_TAGS) throw validation(`A session has at most ${MAX_TAGS} tags.`)
  return [...handedOn, ...tags]
}
