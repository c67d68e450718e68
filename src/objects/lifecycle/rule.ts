import type { Json } from '../bucket-document.ts'
import type { Tag } from '../object-properties.ts'

/** What an object must be for a rule to apply: all of it. */
export type LifecycleFilter = {
  readonly prefix?: string
  readonly tags?: readonly (readonly [key: string, value: string])[]
  /** Bytes, exclusive. */
  readonly largerThan?: number
  readonly smallerThan?: number
}

export type Transition = {
  /** One of the two. */
  readonly days?: number
  readonly dateMs?: number
  readonly storageClass: string
}

export type NoncurrentTransition = {
  readonly days: number
  /** So many of the newest noncurrent versions are left alone. */
  readonly newerVersions?: number
  readonly storageClass: string
}

export type LifecycleRule = {
  readonly id: string
  readonly enabled: boolean
  /** The prefix stands in the rule itself, as in the first version of the API. */
  readonly plainPrefix?: true
  readonly filter: LifecycleFilter
  readonly expiration?: { readonly days?: number; readonly dateMs?: number; readonly expiredDeleteMarker?: boolean }
  readonly transitions?: readonly Transition[]
  readonly noncurrentExpiration?: { readonly days: number; readonly newerVersions?: number }
  readonly noncurrentTransitions?: readonly NoncurrentTransition[]
  readonly abortUploadDays?: number
}

/** `x-amz-transition-default-minimum-object-size`; when none was ever given objects of any size move. */
export type TransitionMinimum = 'all_storage_classes_128K' | 'varies_by_storage_class'

/** The document `lifecycle` of a bucket. */
export type LifecycleConfiguration = {
  readonly rules: readonly LifecycleRule[]
  readonly transitionMinimum?: TransitionMinimum
}

/** What is stored was written as one, and its row authenticated. */
export const lifecycleFrom = (document: Json | undefined): LifecycleConfiguration | undefined =>
  document as LifecycleConfiguration | undefined

export interface Described {
  readonly key: string
  readonly sizeBytes: number
  readonly tags: readonly Tag[]
}

/** All that is said of an object but for its tags. */
export function appliesButForTags({ enabled, filter }: LifecycleRule, key: string, sizeBytes?: number): boolean {
  if (!enabled || !key.startsWith(filter.prefix ?? '')) return false
  if (sizeBytes === undefined) return filter.largerThan === undefined && filter.smallerThan === undefined
  return sizeBytes > (filter.largerThan ?? -1) && sizeBytes < (filter.smallerThan ?? Number.POSITIVE_INFINITY)
}

/** They have neither tags nor a size. */
export const appliesToMarkers = (rule: LifecycleRule, key: string): boolean =>
  rule.filter.tags === undefined && appliesButForTags(rule, key)

const hasTags = ({ filter }: LifecycleRule, tags: readonly Tag[]): boolean =>
  (filter.tags ?? []).every(([key, value]) => tags.some((tag) => tag.key === key && tag.value === value))

/** The rules that apply to an object; its tags are asked for only where they decide. */
export async function rulesFor(
  rules: readonly LifecycleRule[],
  { key, sizeBytes, tags }: Omit<Described, 'tags'> & { readonly tags: () => Promise<readonly Tag[]> },
): Promise<readonly LifecycleRule[]> {
  const possible = rules.filter((rule) => appliesButForTags(rule, key, sizeBytes))
  if (possible.every(({ filter }) => filter.tags === undefined)) return possible
  const known = await tags()
  return possible.filter((rule) => hasTags(rule, known))
}
