import type { S3 } from '@aws-sdk/client-s3'
import { type ListedObject, type ListedVersion, objects, versions } from '../s3/listing.ts'
import type { ObjectReference } from '../s3/references.ts'

/** Where things are, and where they go. Both prefixes are folders, or empty. */
export interface Route {
  readonly source: S3
  readonly from: ObjectReference
  readonly destination: S3
  readonly to: ObjectReference
  readonly signal: AbortSignal
}

export type Difference = 'missing' | 'different'

/** One key: what is to be done for it, the oldest version first. */
export interface KeyPlan {
  readonly key: string
  readonly target: string
  readonly versions: readonly ListedVersion[]
  readonly bytes: number
  readonly difference: Difference
  /** What is there follows no beginning of what is at the source: nothing is done about it. */
  readonly conflict?: string
}

export const targetOf = ({ from, to }: Pick<Route, 'from' | 'to'>, key: string): string =>
  `${to.key}${key.slice(from.key.length)}`

/** Current versions that the destination has not, or otherwise. */
export async function* planCurrent(route: Route, isKnown: (key: string) => void): AsyncGenerator<KeyPlan> {
  const there = merged(
    objects(route.destination, { bucket: route.to.bucket, prefix: route.to.key, signal: route.signal }),
  )
  for await (const one of objects(route.source, {
    bucket: route.from.bucket,
    prefix: route.from.key,
    signal: route.signal,
  })) {
    isKnown(one.key)
    const target = targetOf(route, one.key)
    const found = await there(target)
    if (found && isSame(one, found)) continue
    const version = { ...one, versionId: '', isLatest: true, isDeleteMarker: false }
    yield { key: one.key, target, versions: [version], bytes: one.size, difference: found ? 'different' : 'missing' }
  }
}

/** An ETag that tells the content says it all; where it does not, what was stored later with that size counts as the same. */
export function isSame(source: ListedObject, destination: ListedObject): boolean {
  if (source.size !== destination.size) return false
  if (source.etag === destination.etag) return true
  return (destination.modified?.getTime() ?? 0) > (source.modified?.getTime() ?? 0)
}

/** Looks up ascending names in an ascending list, without keeping it. */
function merged(list: AsyncIterator<ListedObject>): (name: string) => Promise<ListedObject | undefined> {
  let head: ListedObject | undefined
  let isOver = false
  return async (name) => {
    while (!isOver && (head === undefined || Buffer.compare(Buffer.from(head.key), Buffer.from(name)) < 0)) {
      const step = await list.next()
      isOver = step.done === true
      head = step.done ? undefined : step.value
    }
    return head?.key === name ? head : undefined
  }
}

/** Every version, in the order in which they were written; a key whose first ones are there goes on after them. */
export async function* planVersions(route: Route, isKnown: (key: string) => void): AsyncGenerator<KeyPlan> {
  const there = grouped(
    versions(route.destination, { bucket: route.to.bucket, prefix: route.to.key, signal: route.signal }),
  )
  const found = new Map<string, readonly ListedVersion[]>()
  // Memory for the names of what is there already: none at a first run.
  for await (const { key, list } of there) found.set(key, list)
  for await (const { key, list } of grouped(
    versions(route.source, { bucket: route.from.bucket, prefix: route.from.key, signal: route.signal }),
  )) {
    isKnown(key)
    const target = targetOf(route, key)
    const done = found.get(target) ?? []
    const isBeginning =
      done.length <= list.length && done.every((one, index) => list[index] && isSameVersion(list[index], one))
    const rest = isBeginning ? list.slice(done.length) : list
    if (rest.length === 0) continue
    const bytes = rest.reduce((sum, { size }) => sum + size, 0)
    const plan = {
      key,
      target,
      versions: rest,
      bytes,
      difference: done.length > 0 ? ('different' as const) : ('missing' as const),
    }
    yield isBeginning
      ? plan
      : { ...plan, conflict: 'its versions here are none of those at the source, or in another order' }
  }
}

const isSameVersion = (source: ListedVersion, destination: ListedVersion): boolean =>
  source.isDeleteMarker === destination.isDeleteMarker && (source.isDeleteMarker || isSame(source, destination))

/** By key, oldest first. */
async function* grouped(list: AsyncIterable<ListedVersion>) {
  let group: { key: string; list: ListedVersion[] } | undefined
  for await (const one of list) {
    if (group?.key !== one.key) {
      if (group) yield { key: group.key, list: group.list.reverse() }
      group = { key: one.key, list: [] }
    }
    group.list.push(one)
  }
  if (group) yield { key: group.key, list: group.list.reverse() }
}
