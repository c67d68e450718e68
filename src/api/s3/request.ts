import type { IncomingMessage } from 'node:http'

/**
 * One S3 request, read once from the raw target and the raw headers. Keys are opaque: decoded exactly once, never
 * normalised (`..`, `//`, `+` mean nothing). Signatures are over `rawPath` and `rawQuery` as they came.
 */
export interface S3Request {
  readonly id: string
  readonly method: string
  /** The request target before `?`, percent-encoded as sent. */
  readonly rawPath: string
  /** After `?`, as sent; '' when there is none. */
  readonly rawQuery: string
  /** From the Host header (virtual-host style) or the first path segment. Undefined: the service itself. */
  readonly bucket: string | undefined
  /** By its host the request is for a website, which browsers read. */
  readonly website?: true
  /** Undefined when the request names no object. Never empty. */
  readonly key: string | undefined
  /** Decoded once. A name without `=` has the value ''. Duplicates: the first one counts, `duplicateQuery` names them. */
  readonly query: ReadonlyMap<string, string>
  readonly duplicateQuery: ReadonlySet<string>
  /** Lower-case names; repeated headers joined with ','. Trimmed. Latin-1 as Node gives it. */
  readonly headers: ReadonlyMap<string, string>
  readonly duplicateHeaders: ReadonlySet<string>
  readonly secure: boolean
  readonly incoming: IncomingMessage
}

/** The body after authentication: decoded (aws-chunked removed), counted, its hash and chunk signatures verified as it streams. */
export interface RequestBody {
  /** Length of the decoded body. Undefined only for Transfer-Encoding: chunked without x-amz-decoded-content-length. */
  readonly lengthBytes: number | undefined
  /** May be iterated once. Throws (S3Error) at the latest at its end when a signature, hash or length is wrong: commit only after the end. */
  readonly stream: AsyncIterable<Buffer>
  /** Trailers of aws-chunked, lower-case names, complete and verified once `stream` has ended. */
  readonly trailers: ReadonlyMap<string, string>
  /** Names announced by x-amz-trailer. */
  readonly announcedTrailers: readonly string[]
}
