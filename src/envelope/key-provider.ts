import type { Dek } from './dek.ts'

/** What storage keeps of a DEK: opaque provider bytes and the root key version that can open them. */
export interface WrappedDek {
  readonly ciphertext: Buffer
  /** Id of the root key version (a UUID at Key Protect). */
  readonly keyVersion: string
}

/** Bound into the wrap as AAD, in this order; the same list must be given to unwrap. ≤ 4 short strings. */
export type WrapContext = readonly string[]

export interface RootKeyDescription {
  readonly crn: string
  readonly keyVersion: string
  readonly region: string
}

export interface Registration {
  readonly rootKeyCrn: string
  /** CRN of the bucket that the key protects. */
  readonly resourceCrn: string
  readonly description?: string
  readonly preventKeyDeletion?: boolean
  /** The version of the key that everything of the resource is under by now. Absent: what is registered already, or the newest. */
  readonly keyVersion?: string
}

/**
 * THE contract of the key providers. A provider reaches a key management service as the identity of one object storage
 * instance (`serviceInstanceCrn`), and only while that service authorises it: EVERY call is checked there, whatever is cached.
 * Failures are one of the five codes below, nothing else.
 */
export interface KeyProvider {
  readonly name: string
  readonly supports: {
    readonly rewrap: boolean
    readonly aad: boolean
    readonly versions: boolean
    readonly registrations: boolean
  }
  /**
   * Is this root key so far away, or each of its calls so dear, that a bucket should have a key of its own which wraps its
   * DEKs? Absent: no. Only what a bucket gets that says nothing of it.
   */
  readonly prefersBucketKeys?: (rootKeyCrn: string) => boolean
  /** Whoever may wrap may unwrap, here and now: a yes to the one is one to the other. Absent: each is asked for. */
  readonly wrapPermitsUnwrap?: boolean
  /**
   * Does each wrap have a key of its own, derived from the root key? Absent: no, or not known, so that the root key itself
   * wraps with random nonces and must not do it too often.
   */
  readonly derivesWrapKeys?: (rootKeyCrn: string) => boolean
  /**
   * How many more data keys this version may wrap before bucket keys should take its place; 0 from there to where it wraps
   * nothing more. Absent: nobody counts.
   */
  readonly wrapsLeft?: (rootKeyCrn: string, keyVersion: string) => Promise<number>
  readonly wrap: (call: KeyCall, dek: Dek, context: WrapContext) => Promise<WrappedDek>
  /** `rewrapped` when the key has a newer version: the same DEK under it, to be stored by compare-and-set. */
  readonly unwrap: (
    call: KeyCall,
    wrapped: WrappedDek,
    context: WrapContext,
  ) => Promise<{ readonly dek: Dek; readonly rewrapped?: WrappedDek }>
  readonly rewrap: (call: KeyCall, wrapped: WrappedDek, context: WrapContext) => Promise<WrappedDek>
  /**
   * "May this service use this key so right now?" Resolves or throws as wrap or unwrap would: a deactivated key is still
   * a yes to 'unwrap', so whoever stores something new asks for 'wrap'. Cheap; called at least every few seconds for
   * each key in use, because a cached DEK is usable only while the answer is yes.
   */
  readonly permit: (call: KeyCall, use: KeyUse) => Promise<void>
  /** A root key (never a standard key) that may be used now. Throws as wrap would. */
  readonly describe: (call: KeyCall) => Promise<RootKeyDescription>
  /**
   * The same of the key that the CRN names by id or by alias: the description has its CRN by id, which alone every other
   * call takes, for an alias can name another key tomorrow.
   */
  readonly find: (call: KeyCall) => Promise<RootKeyDescription>
  /** A repeat renews what it says; a `keyVersion` that it does not say stays as it is registered. */
  readonly register: (call: KeyCall, registration: Registration) => Promise<void>
  /** Possible whatever the state of the key and, where the service allows it, without authorization. */
  readonly deregister: (call: KeyCall, registration: Registration) => Promise<void>
  readonly close: () => Promise<void>
}

/** What a DEK is about to do: encrypt something new, or open what is stored already. */
export type KeyUse = 'wrap' | 'unwrap'

export interface KeyCall {
  readonly rootKeyCrn: string
  /** The service identity that asks: CRN of the object storage instance that owns the bucket. */
  readonly serviceInstanceCrn: string
  readonly requestId?: string
  /** W3C: what this is a part of. */
  readonly traceparent?: string
  /** The key service itself is to answer, now, and no memory of what it answered before. */
  readonly fresh?: boolean
}

export type KeyProviderErrorCode =
  /** No such root key (or a standard key, or another region's). */
  | 'RootKeyNotFound'
  /** Disabled, deactivated for wrapping, or deleted but not yet gone. */
  | 'RootKeyDisabled'
  /** No service-to-service authorization. */
  | 'KeyAccessDenied'
  | 'KeyProviderUnavailable'
  /** The wrapped DEK does not authenticate under this key and context. */
  | 'WrappedDekForged'
