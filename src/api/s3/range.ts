import { S3Error } from './error-codes.ts'

export interface ByteRange {
  readonly start: number
  readonly end: number
}

/**
 * `bytes=a-b`, `bytes=a-`, `bytes=-n` on an object of `sizeBytes`; half-open result. Undefined: the whole object.
 * RFC 9110: a Range that is not understood is ignored. S3 serves one range only and ignores lists.
 * S3: a range that starts at or behind the end answers 416, also on an empty object.
 */
export function resolveRange(header: string | undefined, sizeBytes: number): ByteRange | undefined {
  const match = header === undefined ? null : /^bytes=(\d*)-(\d*)$/.exec(header.replaceAll(' ', ''))
  if (!match) return undefined
  const [, first = '', last = ''] = match
  if (first === '' && last === '') return undefined
  if (first === '') {
    const length = Math.min(Number(last), sizeBytes)
    if (length === 0) throw unsatisfiable(header, sizeBytes)
    return { start: sizeBytes - length, end: sizeBytes }
  }
  const start = Number(first)
  const end = last === '' ? sizeBytes : Math.min(Number(last) + 1, sizeBytes)
  if (last !== '' && Number(last) < start) return undefined
  if (start >= sizeBytes) throw unsatisfiable(header, sizeBytes)
  return { start, end }
}

function unsatisfiable(header: string | undefined, sizeBytes: number): S3Error {
  return new S3Error('InvalidRange', undefined, {
    extra: { RangeRequested: header ?? '', ActualObjectSize: String(sizeBytes) },
    headers: { 'content-range': `bytes */${sizeBytes}` },
  })
}

/** `bytes=a-b` of a copy source: both ends must be given and lie inside the source. */
export function copySourceRange(
  header: string | undefined,
): { readonly start: number; readonly end: number } | undefined {
  if (header === undefined) return undefined
  const match = /^bytes=(\d{1,15})-(\d{1,15})$/.exec(header)
  const start = Number(match?.[1])
  const end = Number(match?.[2]) + 1
  if (!match || end <= start) {
    throw new S3Error(
      'InvalidArgument',
      'The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the zero-based offsets of the first and last bytes to copy',
      {
        extra: { ArgumentName: 'x-amz-copy-source-range', ArgumentValue: header },
      },
    )
  }
  return { start, end }
}
