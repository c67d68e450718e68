export type AdminErrorCode =
  /** The caller has no HMAC credential that works. */
  | 'NoAccessKey'
  /** There is no such object. */
  | 'NothingToShare'
