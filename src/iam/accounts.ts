export interface Account {
  /** 32 hex digits */
  readonly id: string
  readonly name: string
  /** S3 owner id; any non-empty string, unique among accounts. */
  readonly canonicalId: string
}

/** What S3 answers as Owner. */
export interface Owner {
  readonly id: string
  readonly displayName: string
}
