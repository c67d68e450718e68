import type { Json } from '../bucket-document.ts'
import type { Algorithm, Encryption } from '../encrypting.ts'
import type { Tag } from '../object-properties.ts'

type FilterTag = { readonly key: string; readonly value: string }

export type ReplicationDestination = {
  /** As the client gave it. */
  readonly arn: string
  readonly bucket: string
  /** Of the one in this store that had the name when the rule was made: no other one is meant. */
  readonly bucketId?: string
  /** Of the settings; missing: the bucket is one of this store. */
  readonly target?: string
  /** Whose it must be, where it is in this store. */
  readonly account?: string
  readonly storageClass?: string
  /** Said, and done in any case: replicas belong to the owner of their bucket. */
  readonly ownerOverride?: true
  /** As the client gave it: what lies under a key of a customer's comes under this one there. */
  readonly keyName?: string
  /** Which key that is in this store. */
  readonly rootKeyCrn?: string
  readonly encryption?: Encryption
}

/** Which versions are copied where. */
export type ReplicationRule = {
  readonly id: string
  readonly enabled: boolean
  /** Missing in rules of S3's first schema, which have a prefix in place of a filter. */
  readonly priority?: number
  readonly prefix?: string
  readonly filter?: { readonly prefix?: string; readonly tags: readonly FilterTag[] }
  /** Missing in the first schema: they are replicated. */
  readonly deleteMarkers?: boolean
  /** Of objects that lie under a key of a customer's. */
  readonly kmsObjects?: boolean
  /** Said to be off, which they are. */
  readonly off?: readonly Off[]
  readonly destination: ReplicationDestination
}
/** What S3 can do besides, and nothing here does. */
export const OFF = ['existingObjects', 'replicaModifications', 'metrics', 'time'] as const
export type Off = (typeof OFF)[number]

/** The document `replication` of a bucket. */
export type ReplicationConfiguration = {
  /** S3 has one; IBM's does not, and replicates whatever key an object lies under. */
  readonly role?: string
  /** Who put it, and whose rights count whenever something goes. Missing: an earlier release, which did not ask for them. */
  readonly orderedBy?: string
  readonly rules: readonly ReplicationRule[]
}

/** What is stored was written as one, and its row authenticated. */
export const replicationFrom = (document: Json | undefined): ReplicationConfiguration | undefined =>
  document as ReplicationConfiguration | undefined

/** What lies under a key of a customer's goes only where the rule says so. */
export const takes = (
  { role }: ReplicationConfiguration,
  { kmsObjects = role === undefined }: ReplicationRule,
  algorithm: Algorithm,
): boolean => kmsObjects || algorithm === 'AES256'

/** Of the same rule or another one: what goes there goes there once. */
export const nameOf = ({ target, bucket }: ReplicationDestination): string =>
  target === undefined ? bucket : `${target}:${bucket}`

const prefixOf = ({ prefix, filter }: ReplicationRule): string => filter?.prefix ?? prefix ?? ''

const coversKey = (rule: ReplicationRule, key: string): boolean => rule.enabled && key.startsWith(prefixOf(rule))

const coversTags = ({ filter }: ReplicationRule, tags: readonly Tag[]): boolean =>
  (filter?.tags ?? []).every(({ key, value }) => tags.some((tag) => tag.key === key && tag.value === value))

/** The rule with the highest priority for each destination. `tags` are asked for only if they matter. */
export async function rulesFor(
  { rules }: ReplicationConfiguration,
  key: string,
  tags: () => Promise<readonly Tag[]>,
): Promise<readonly ReplicationRule[]> {
  const candidates = rules.filter((rule) => coversKey(rule, key))
  const tagged = candidates.some(({ filter }) => (filter?.tags.length ?? 0) > 0)
  const known = tagged ? await tags() : []
  return bestOf(candidates.filter((rule) => coversTags(rule, known)))
}

/** S3: of delete markers no rule with tags tells. */
export const rulesForMarker = ({ rules }: ReplicationConfiguration, key: string): readonly ReplicationRule[] =>
  bestOf(rules.filter((rule) => coversKey(rule, key) && coversTags(rule, []))).filter(
    ({ deleteMarkers = true }) => deleteMarkers,
  )

export const leadsTo =
  (name: string) =>
  ({ destination }: ReplicationRule): boolean =>
    nameOf(destination) === name

/** For what is there, and has changed: a rule that its tags do not take it out of. */
export const followedBy = (
  { rules }: ReplicationConfiguration,
  name: string,
  key: string,
): ReplicationRule | undefined => bestOf(rules.filter((rule) => leadsTo(name)(rule) && coversKey(rule, key)))[0]

/** For what is on its way to a destination. `tags`: those that it has, and had; the first ones that a rule takes decide. */
export async function ruleTo(
  configuration: ReplicationConfiguration,
  name: string,
  key: string,
  { tags, isThere }: { readonly tags: readonly (() => Promise<readonly Tag[]>)[]; readonly isThere: boolean },
): Promise<ReplicationRule | undefined> {
  for (const one of tags) {
    const rule = (await rulesFor(configuration, key, one)).find(leadsTo(name))
    if (rule) return rule
  }
  return isThere ? followedBy(configuration, name, key) : undefined
}

function bestOf(rules: readonly ReplicationRule[]): readonly ReplicationRule[] {
  const best = new Map<string, ReplicationRule>()
  for (const rule of rules) {
    const name = nameOf(rule.destination)
    const other = best.get(name)
    if (!other || (rule.priority ?? 0) > (other.priority ?? 0)) best.set(name, rule)
  }
  return [...best.values()]
}
