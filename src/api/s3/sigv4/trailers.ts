import { CHECKSUM_ALGORITHMS } from '../../../base/checksums.ts'
import { S3Error } from '../error-codes.ts'
import type { S3Request } from '../request.ts'

const MAX_TRAILERS = 10
const CHECKSUM_TRAILERS: ReadonlySet<string> = new Set(CHECKSUM_ALGORITHMS.map((name) => `x-amz-checksum-${name}`))

/** Names in `x-amz-trailer`, lower case. Only checksums may trail. */
export function announcedTrailers({ headers }: S3Request): readonly string[] {
  const text = headers.get('x-amz-trailer')
  if (text === undefined) return []
  const names = text.split(',').map((name) => name.trim().toLowerCase())
  const unique = new Set(names)
  if (
    unique.size !== names.length ||
    names.length > MAX_TRAILERS ||
    !names.every((name) => CHECKSUM_TRAILERS.has(name))
  ) {
    throw new S3Error('InvalidRequest', 'The value specified in the x-amz-trailer header is not supported')
  }
  return names
}

export interface ReceivedTrailers {
  /** In the order of arrival. */
  readonly fields: readonly (readonly [name: string, value: string])[]
  /** Value of x-amz-trailer-signature, which is none of the fields. */
  readonly signature: string | undefined
}

/**
 * Parses what follows the last chunk: `name:value` lines, the signature line last, an empty line. Some clients end
 * the fields with LF and then send CRLF; that is read as one line end. Throws MalformedTrailerError.
 */
export function parseTrailers(text: string): ReceivedTrailers {
  const lines = text.replace(/(?<!\r)\n\r\n/g, '\r\n').split('\r\n')
  if (lines.length < 2 || lines.pop() !== '' || lines.pop() !== '') throw new S3Error('MalformedTrailerError')
  const fields = lines.map(parseLine)
  const last = fields.at(-1)
  if (last?.[0] !== 'x-amz-trailer-signature') return { fields, signature: undefined }
  return { fields: fields.slice(0, -1), signature: last[1] }
}

function parseLine(line: string): readonly [name: string, value: string] {
  const match = /^([A-Za-z0-9-]{1,64}):([!-~ \t]{0,256})$/.exec(line)
  if (match === null) throw new S3Error('MalformedTrailerError')
  const [, name = '', value = ''] = match
  return [name.toLowerCase(), value.trim()]
}

/** Exactly the announced trailers, each once. Throws MalformedTrailerError. */
export function checkTrailers({ fields }: ReceivedTrailers, announced: readonly string[]): void {
  const names = new Set(fields.map(([name]) => name))
  if (names.size !== fields.length || names.size !== announced.length || !announced.every((name) => names.has(name))) {
    throw new S3Error('MalformedTrailerError')
  }
}
