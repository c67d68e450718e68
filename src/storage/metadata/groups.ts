import { successor } from '../../base/bytes.ts'
import type { Entry, Group, GroupRange, Range } from './metadata-store.ts'

/** The keys that `groups` looks at; undefined when there can be none. */
export function groupBounds({
  prefix,
  from,
  lt,
}: GroupRange): { readonly gte: Buffer; readonly lt: Buffer } | undefined {
  const gte = Buffer.compare(from, prefix) > 0 ? from : prefix
  const end = successor(prefix)
  const upper = end && Buffer.compare(end, lt) < 0 ? end : lt
  return Buffer.compare(gte, upper) < 0 ? { gte, lt: upper } : undefined
}

/** The group a key belongs to: its bytes up to and including the first delimiter after the prefix. */
export function groupOf(key: Buffer, { prefix, delimiter }: GroupRange): Buffer | undefined {
  if (delimiter.length === 0) return undefined
  const at = key.indexOf(delimiter, prefix.length)
  return at < 0 ? undefined : key.subarray(0, at + delimiter.length)
}

/** The meaning of `groups` in terms of `range`: read on, and after each new group jump behind it. */
export async function groupsByRange(
  range: (page: Range) => Promise<Entry[]>,
  groupRange: GroupRange,
): Promise<Group[]> {
  const bounds = groupBounds(groupRange)
  const groups: Group[] = []
  let gte = bounds?.gte
  while (bounds && gte && Buffer.compare(gte, bounds.lt) < 0 && groups.length < groupRange.limit) {
    const [entry]: Entry[] = await range({ gte, lt: bounds.lt, limit: 1 })
    if (!entry) break
    const prefix = groupOf(entry.key, groupRange)
    groups.push(prefix ? { prefix } : { entry })
    gte = prefix ? successor(prefix) : Buffer.concat([entry.key, Buffer.of(0)])
  }
  return groups
}
