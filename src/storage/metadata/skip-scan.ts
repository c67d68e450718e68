import { successor } from '../../base/bytes.ts'
import { groupOf } from './groups.ts'
import { decodeEntry } from './level-format.ts'
import type { Group, GroupRange } from './metadata-store.ts'

/** What a skip scan needs of an iterator over the bounds of the groups. Keys come without their space byte. */
export interface SeekableRows {
  /** The next rows, at most `count`; empty only at the end. */
  readonly next: (count: number) => Promise<readonly (readonly [key: Buffer, stored: Buffer])[]>
  readonly seek: (key: Buffer) => void
}

const FIRST_PAGE = 64
const PAGE_AFTER_JUMP = 2
const LARGEST_PAGE = 1001

/**
 * `groups` over one iterator: reads pages that double, and as soon as a second key of a group shows up seeks behind the
 * group and makes the page small again. One step per group, whatever the group holds.
 */
export async function skipScan(rows: SeekableRows, range: GroupRange): Promise<Group[]> {
  const groups: Group[] = []
  let page = Math.min(FIRST_PAGE, range.limit)
  while (groups.length < range.limit) {
    const read = await rows.next(page)
    if (read.length === 0) break
    const end = collect(read, range, groups)
    if (end === 'none') break
    if (end) rows.seek(end)
    page = end ? PAGE_AFTER_JUMP : Math.min(page * 2, LARGEST_PAGE)
  }
  return groups
}

/** Adds what a page shows. Says where to jump when the page ends inside a group seen twice; 'none' when nothing can follow that group. */
function collect(
  rows: readonly (readonly [Buffer, Buffer])[],
  range: GroupRange,
  groups: Group[],
): Buffer | 'none' | undefined {
  let inside: Buffer | undefined = lastGroup(groups)
  let seenTwice = false
  for (const [key, stored] of rows) {
    if (inside && startsWith(key, inside)) {
      seenTwice = true
      continue
    }
    if (groups.length === range.limit) return undefined
    inside = groupOf(key, range)
    seenTwice = false
    groups.push(inside ? { prefix: inside } : { entry: decodeEntry(key, stored) })
  }
  return inside && seenTwice ? (successor(inside) ?? 'none') : undefined
}

function lastGroup(groups: readonly Group[]): Buffer | undefined {
  const last = groups.at(-1)
  return last && 'prefix' in last ? last.prefix : undefined
}

const startsWith = (key: Buffer, prefix: Buffer): boolean =>
  key.length >= prefix.length && key.compare(prefix, 0, prefix.length, 0, prefix.length) === 0
