/**
 * THE contract of the metadata stores: ordered bytes and one atomic conditional batch. It knows nothing of S3 or keys.
 * Everything with meaning (versions, multipart, conditions, quotas) is written once above it.
 *
 * Portable limits: key ≤ 2 KiB, value ≤ 64 KiB, ≤ 500 writes a commit, at most one write per (space, key) in a commit.
 */

/** A key space: one byte, 1..254 (255 belongs to the store itself). Every floor names its own in a `keyspace.ts`. */
export type Space = number

/** Opaque compare-and-set token. Changes on every write of a key, never comes again for that key. Compare for equality only. */
export type Token = string

export interface Entry {
  readonly key: Buffer
  readonly value: Buffer
  readonly token: Token
}

export type Write =
  /** `if` undefined: whatever is there · null: must not exist · Token: must be unchanged. */
  | {
      readonly type: 'put'
      readonly space: Space
      readonly key: Buffer
      readonly value: Buffer
      readonly if?: Token | null
    }
  | { readonly type: 'delete'; readonly space: Space; readonly key: Buffer; readonly if?: Token }
  /** Token: must exist unchanged · null: must not exist. Is not written. */
  | { readonly type: 'check'; readonly space: Space; readonly key: Buffer; readonly if: Token | null }
  /** Commutative counter: never conflicts, and is gone at zero. Counters have a space of their own and are read by `counters` only. */
  | { readonly type: 'add'; readonly key: Buffer; readonly delta: number }

export interface Range {
  readonly gte: Buffer
  /** Always a concrete upper bound. */
  readonly lt: Buffer
  readonly limit: number
  readonly reverse?: boolean
  /** Rows whose values need not be given: they may come with any. */
  readonly isKnown?: (key: Buffer, token: Token) => boolean
}

/** Keys starting with `prefix`, from `from` (inclusive) up to `lt`, grouped at the first `delimiter` after `prefix`. */
export interface GroupRange {
  readonly prefix: Buffer
  readonly from: Buffer
  readonly lt: Buffer
  readonly delimiter: Buffer
  readonly limit: number
}

/** `prefix` runs up to and including the delimiter. A group is reported once, however many keys it holds. */
export type Group = { readonly prefix: Buffer } | { readonly entry: Entry }

export interface Counter {
  readonly key: Buffer
  readonly value: number
}

/** Dispose it: as long as it lives the store keeps what it shows. */
export interface MetadataSnapshot extends AsyncDisposable {
  readonly range: MetadataStore['range']
  readonly counters: MetadataStore['counters']
}

export interface MetadataStore {
  readonly get: (space: Space, key: Buffer) => Promise<Entry | undefined>
  readonly getMany: (space: Space, keys: readonly Buffer[]) => Promise<(Entry | undefined)[]>
  /** One page in unsigned byte order, from one consistent snapshot. */
  readonly range: (space: Space, range: Range) => Promise<Entry[]>
  /** One page of keys and groups in byte order. Its cost follows the page, not the number of keys in a group. */
  readonly groups: (space: Space, range: GroupRange) => Promise<Group[]>
  /**
   * All or nothing. Resolves true only when durable (survives power loss). Resolves false, and wrote nothing, when an
   * `if` did not hold. Throws MetadataStoreFailed after a write error: the store then refuses every later write for
   * ever (crash-only: LevelDB loses acknowledged writes after one ENOSPC) and `onFailure` has been called.
   * Whether the commit that met the error took place is known only after the restart: what it names must not be removed before.
   * Throws NoSpace, and wrote nothing, when it would make rows and the disk's reserve is reached.
   * Throws CommitUnknown when the outcome cannot be known: the caller re-reads a key that only this commit writes.
   */
  readonly commit: (writes: readonly Write[]) => Promise<boolean>
  /** Counters whose key starts with `prefix`. */
  readonly counters: (prefix: Buffer) => Promise<Counter[]>
  /** Rows and counters as one commit left them, whatever is committed later. */
  readonly snapshot: () => Promise<MetadataSnapshot>
  /**
   * Resolves when the store's files no longer hold what was overwritten or deleted in the range, if it was compacted
   * once between the write and the overwriting too. Costs a rewrite of what lies around the range. Absent where a
   * store keeps no old values.
   */
  readonly compact?: (space: Space, range: Pick<Range, 'gte' | 'lt'>) => Promise<void>
  readonly close: () => Promise<void>
}

export type MetadataStoreErrorCode =
  /** A write failed earlier: nothing is written any more; restart the process. */
  | 'MetadataStoreFailed'
  | 'CommitUnknown'
  /** The disk's reserve is reached: no new rows; updates and deletes go on. */
  | 'NoSpace'
  /** Another process has the store open. */
  | 'StoreLocked'
  /**
   * A stored value does not authenticate or does not decode: damage or tampering. Of a value that does not authenticate
   * `details` name `space`, `row` (hex of its key) and `token`.
   */
  | 'MetadataCorrupt'
