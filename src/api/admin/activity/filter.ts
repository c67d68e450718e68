import { z } from 'zod'
import type { Needles } from '../../../audit/read-log.ts'
import type { ActivityEntry } from './entry.ts'

/** Each one narrows; what is left out does not. */
export const activityFilter = z.object({
  who: z.string().optional().meta({ description: 'IAM id, name of the user, or a part of one of them.' }),
  did: z
    .string()
    .optional()
    .meta({ description: 'Action: `s3.GetObject`, or the beginning of some: `kms.*`; several with commas.' }),
  what: z.string().optional().meta({ description: 'A part of the target, the object or the root key.' }),
  kind: z.string().optional().meta({ description: '`key`, `data-key`, `iam` or `activity`; several with commas.' }),
  bucket: z.string().optional(),
  object: z.string().optional().meta({ description: 'Key of an object; the beginning of some: `2026/*`.' }),
  key: z.string().optional().meta({ description: 'CRN or id of a root key.' }),
  use: z.string().optional().meta({ description: 'Of data keys: `wrap`, `unwrap` or `rewrap`.' }),
  outcome: z.enum(['success', 'failure']).optional(),
  requestId: z.string().optional().meta({ description: 'Of the request, or of the one that caused it.' }),
})
export type ActivityFilter = z.output<typeof activityFilter>

export function passes(filter: ActivityFilter, entry: ActivityEntry): boolean {
  const { who, did, what, kind, bucket, object, key, use, outcome, requestId } = filter
  const { said } = entry
  const isOne = (wanted: string | undefined, ...values: readonly (string | undefined)[]) =>
    wanted === undefined || values.includes(wanted)
  return (
    isOne(outcome, entry.outcome) &&
    isOne(use, entry.use) &&
    isOne(bucket, said.what.bucket) &&
    isOne(key, said.what.rootKey, idIn(said.what.rootKey)) &&
    isOne(requestId, entry.requestId, entry.correlationId) &&
    (kind === undefined || kind.split(',').includes(entry.kind)) &&
    (did === undefined || did.split(',').some((one) => begins(one, entry.action))) &&
    begins(object, entry.object) &&
    contains(who, said.who.id, said.who.name) &&
    contains(what, entry.target, entry.object, entry.key)
  )
}

/** What stands in every line that passes. Lines are canonical JSON: what JSON escapes is not looked for here. */
export function needlesOf({ did, bucket, key, requestId }: ActivityFilter): Needles {
  const plain = [bucket, idIn(key), requestId].flatMap((one) => (one && /^[\w.:/-]+$/.test(one) ? [[one]] : []))
  const actions = did?.split(',').map((one) => `"action":${beginningOf(one)}`)
  return [...plain, ...(actions ? [actions] : [])]
}

const beginningOf = (wanted: string): string =>
  wanted.endsWith('*') ? JSON.stringify(wanted.slice(0, -1)).slice(0, -1) : JSON.stringify(wanted)

const idIn = (crn: string | undefined): string | undefined => crn?.slice(crn.lastIndexOf(':') + 1)

function begins(wanted: string | undefined, value: string | undefined): boolean {
  if (wanted === undefined) return true
  return wanted.endsWith('*') ? value?.startsWith(wanted.slice(0, -1)) === true : value === wanted
}

function contains(wanted: string | undefined, ...values: readonly (string | undefined)[]): boolean {
  const part = wanted?.toLowerCase()
  return part === undefined || values.some((value) => value?.toLowerCase().includes(part))
}
