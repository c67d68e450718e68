import { textOf } from './json.ts'

export const findingColumns = [
  { head: 'KIND', cell: (one: unknown) => textOf(one, 'kind') },
  { head: 'BUCKET', cell: (one: unknown) => textOf(one, 'bucket') },
  { head: 'KEY', cell: (one: unknown) => textOf(one, 'key') ?? textOf(one, 'file') },
  { head: 'DAMAGE', cell: (one: unknown) => textOf(one, 'damage') },
  { head: 'ADVICE', cell: (one: unknown) => textOf(one, 'advice'), wide: true },
] as const

/** Without a bucket it is of a file. */
export function placeOf(finding: unknown): string {
  const bucket = textOf(finding, 'bucket')
  return bucket === undefined ? (textOf(finding, 'file') ?? '') : `${bucket}/${textOf(finding, 'key') ?? ''}`
}
