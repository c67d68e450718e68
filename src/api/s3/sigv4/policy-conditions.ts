import { S3Error } from '../error-codes.ts'

export interface ContentLengthRange {
  readonly minBytes: number
  readonly maxBytes: number
}

/** `field` in lower case, without `$`. */
export type PolicyCondition =
  | { readonly operator: 'eq' | 'starts-with'; readonly field: string; readonly value: string }
  | ({ readonly operator: 'content-length-range' } & ContentLengthRange)

const UNCOVERED: ReadonlySet<string> = new Set(['policy', 'x-amz-signature', 'awsaccesskeyid', 'signature', 'file'])

/**
 * Every condition must hold and every value must be covered by one; `x-ignore-…` fields are for the page itself, and a
 * checksum only makes the upload stricter. Hands back what several content-length-range conditions leave together. Throws AccessDenied.
 */
export function checkConditions(
  conditions: readonly PolicyCondition[],
  values: ReadonlyMap<string, string>,
): ContentLengthRange | undefined {
  const covered = new Set<string>()
  let range: ContentLengthRange | undefined
  for (const condition of conditions) {
    if (condition.operator === 'content-length-range') {
      range = {
        minBytes: Math.max(condition.minBytes, range?.minBytes ?? 0),
        maxBytes: Math.min(condition.maxBytes, range?.maxBytes ?? Number.MAX_SAFE_INTEGER),
      }
      continue
    }
    if (!holds(condition, values.get(condition.field))) throw failed(condition)
    covered.add(condition.field)
  }
  for (const name of values.keys()) {
    if (covered.has(name) || UNCOVERED.has(name) || /^x-(ignore|amz-checksum)-/.test(name)) continue
    throw new S3Error('AccessDenied', `Invalid according to Policy: Extra input fields: ${name}`)
  }
  return range
}

type FieldCondition = Exclude<PolicyCondition, { readonly operator: 'content-length-range' }>

function holds({ operator, field, value }: FieldCondition, actual: string | undefined): boolean {
  // A field that wasn't sent is the empty string only for a prefix that anything has.
  if (actual === undefined) return operator === 'starts-with' && value === ''
  if (operator === 'eq') return actual === value
  // S3: a list of content types must match the prefix with each of its members.
  if (field === 'content-type') return actual.split(',').every((type) => type.trimStart().startsWith(value))
  return actual.startsWith(value)
}

const failed = ({ operator, field, value }: FieldCondition): S3Error =>
  new S3Error(
    'AccessDenied',
    `Invalid according to Policy: Policy Condition failed: ${JSON.stringify([operator, `$${field}`, value])}`,
  )

/** Passes the file on; throws EntityTooLarge as soon as it is too long, EntityTooSmall at its end. */
export async function* enforceLengthRange(
  stream: AsyncIterable<Buffer>,
  { minBytes, maxBytes }: ContentLengthRange,
): AsyncGenerator<Buffer> {
  let total = 0
  for await (const chunk of stream) {
    total += chunk.length
    if (total > maxBytes) {
      throw new S3Error('EntityTooLarge', undefined, {
        extra: { ProposedSize: String(total), MaxSizeAllowed: String(maxBytes) },
      })
    }
    yield chunk
  }
  if (total < minBytes) {
    throw new S3Error('EntityTooSmall', undefined, {
      extra: { ProposedSize: String(total), MinSizeAllowed: String(minBytes) },
    })
  }
}
