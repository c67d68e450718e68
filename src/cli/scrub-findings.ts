import { member, sumOf, textOf } from './json.ts'
import { countText } from './units.ts'

export const findingColumns = [
  { head: 'KIND', cell: (one: unknown) => textOf(one, 'kind') },
  { head: 'BUCKET', cell: (one: unknown) => textOf(one, 'bucket') },
  { head: 'KEY', cell: (one: unknown) => textOf(one, 'key') ?? textOf(one, 'file') },
  { head: 'DAMAGE', cell: (one: unknown) => textOf(one, 'damage') },
  { head: 'ADVICE', cell: (one: unknown) => textOf(one, 'advice'), wide: true },
] as const

/** What a look could not open, so that nothing is known of its content. Undefined: there was nothing. */
export function unopenedText(scrub: unknown): string | undefined {
  const unopened = sumOf(scrub, 'notOpenable')
  if (unopened === 0) return undefined
  return `${countText(unopened, 'version')} (${Object.keys(Object(member(scrub, 'notOpenable'))).join(', ')})`
}

/** Without a bucket it is of a file. */
export function placeOf(finding: unknown): string {
  const bucket = textOf(finding, 'bucket')
  return bucket === undefined ? (textOf(finding, 'file') ?? '') : `${bucket}/${textOf(finding, 'key') ?? ''}`
}
