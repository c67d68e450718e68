import { z } from 'zod'
import type { SessionTag } from '../principal.ts'
import { validation } from './errors.ts'
import { checkTag, type IamTag, MAX_TAGS } from './tags.ts'

/** What a session is told of in its conditions (`aws:PrincipalTag/…`). */
export const sessionTagsSchema = z.array(
  z.strictObject({ key: z.string(), value: z.string(), transitive: z.boolean() }),
)

/** Throws ValidationError for what AWS would not take. Keys differ in more than case. */
export function checkedSessionTags(tags: readonly IamTag[], transitive: readonly string[]): SessionTag[] {
  if (tags.length > MAX_TAGS || transitive.length > MAX_TAGS) {
    throw validation(`A session has at most ${MAX_TAGS} tags.`)
  }
  const lower = tags.map(({ key }) => key.toLowerCase())
  if (new Set(lower).size !== lower.length) throw validation('A tag of the session is given twice.')
  for (const tag of tags) checkTag(tag)
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

/** What conditions see of a principal: of two with one key, the session's. What is not the session's is not handed on. */
export function principalTags(own: readonly IamTag[] = [], session: readonly SessionTag[] = []): readonly SessionTag[] {
  const given = new Set(session.map(({ key }) => key.toLowerCase()))
  const others = own.filter(({ key }) => !given.has(key.toLowerCase()))
  return [...session, ...others.map((tag) => ({ ...tag, transitive: false }))]
}
