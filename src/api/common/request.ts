/** One request to a control API, read once from the raw target and headers. */
export interface ApiRequest {
  /** Ours: unique, in every log line about the request. */
  readonly id: string
  /** The caller's `Correlation-Id` or `Transaction-Id` when it is a plain short token, otherwise `id`. */
  readonly correlationId: string
  /** W3C: what the request is a part of. */
  readonly traceparent: string | undefined
  readonly method: string
  /** The request target before `?`, percent-encoded as sent. */
  readonly rawPath: string
  /** `http://<host><path>`: for error contexts only, never followed. */
  readonly url: string
  /** A parameter of the operation's path, decoded exactly once. Asking for one the path does not have is a bug. */
  readonly param: (name: string) => string
  /** Decoded exactly once. A name given twice is refused before the operation sees the request. */
  readonly query: ReadonlyMap<string, string>
  /** By lower-case name. */
  readonly header: (name: string) => string | undefined
  /** Of the socket: that of a proxy when there is one. */
  readonly remoteAddress: string | undefined
  /** It came over TLS. */
  readonly secure: boolean
  /** The port that the request came to. */
  readonly localPort: number | undefined
  /** Aborted when the client goes away. */
  readonly signal: AbortSignal
}

export const REQUEST_ERROR_CODES = [
  /** A bad escape, invalid UTF-8 or a NUL in the path. */
  'BadPath',
  'BadQuery',
  /** A header that may come once came twice. */
  'BadHeader',
  'NoSuchPath',
  'MethodNotAllowed',
  /** A body is required and none came. */
  'BodyMissing',
  /** Not JSON (or not a form), or not UTF-8. */
  'BodyMalformed',
  /** Decoded, but not what the operation takes: see BodyProblem in the details. */
  'BodyInvalid',
  'BodyTooLarge',
  /** Content-Encoding other than identity. */
  'BodyEncoded',
  /** The client went away. */
  'BodyIncomplete',
  /** What came is not HTTP, or nobody can tell where its body ends. */
  'Unreadable',
  'HeadTooLarge',
  /** It was not there in time. */
  'RequestTimeout',
  /** Of this caller or from this address: see Throttle. */
  'TooManyRequests',
] as const
export type RequestErrorCode = (typeof REQUEST_ERROR_CODES)[number]

/** Details of BodyInvalid. */
export interface BodyProblem {
  readonly problem: 'unknown' | 'missing' | 'invalid'
  /** `resources[0].name`; '' for the body as a whole. For `unknown`: the unknown member itself. */
  readonly field: string
}
