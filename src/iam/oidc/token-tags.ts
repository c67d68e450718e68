import { z } from 'zod'
import { hasCode } from '../../base/errors.ts'
import { type AwsIamErrorCode, invalidIdentity } from '../aws/errors.ts'
import { checkedSessionTags } from '../aws/session-tags.ts'
import type { SessionTag } from '../principal.ts'

/** AWS's claim: `{ "principal_tags": { key: value or [value] }, "transitive_tag_keys": [key] }`, nested or as claims of their own. */
const CLAIM = 'https://aws.amazon.com/tags'
const PRINCIPAL_TAGS = `${CLAIM}/principal_tags`
const TRANSITIVE = `${CLAIM}/transitive_tag_keys`

const value = z.union([z.string(), z.array(z.string()).length(1)]).transform((given) => [given].flat()[0] ?? '')
const values = z.record(z.string(), value)
const keys = z.array(z.string())
const nested = z.strictObject({ principal_tags: values.default({}), transitive_tag_keys: keys.default([]) })

/** Throws InvalidIdentityToken for tags that are not understood: what a session is not told of, no condition holds. */
export function tagsOf(claims: unknown): SessionTag[] {
  const all = Object.entries(typeof claims === 'object' && claims !== null ? claims : {}).filter(
    ([name]) => name === CLAIM || name.startsWith(`${CLAIM}/`),
  )
  try {
    const tags: { key: string; value: string }[] = []
    const transitive: string[] = []
    for (const [name, given] of all) {
      const one = nested.parse(nestedOf(name, given))
      tags.push(...Object.entries(one.principal_tags).map(([key, text]) => ({ key, value: text })))
      transitive.push(...one.transitive_tag_keys)
    }
    return checkedSessionTags(tags, transitive)
  } catch (error) {
    if (error instanceof z.ZodError || hasCode<AwsIamErrorCode>(error, 'ValidationError')) {
      throw invalidIdentity('The tags of the token are not valid', error)
    }
    throw error
  }
}

function nestedOf(name: string, given: unknown): unknown {
  if (name === CLAIM) return given
  if (name === TRANSITIVE) return { transitive_tag_keys: given }
  if (name === PRINCIPAL_TAGS) return { principal_tags: given }
  const key = name.startsWith(`${PRINCIPAL_TAGS}/`) ? name.slice(PRINCIPAL_TAGS.length + 1) : undefined
  return key === undefined ? undefined : { principal_tags: { [key]: given } }
}
