/**
 * Nonces that never repeat under one key, across restarts and across copies of a data directory: every opening of a
 * store starts a new epoch with a random salt (durable before its first use), ciphers derive their key from the salt,
 * and the counter starts at 0 in each epoch. An epoch ends before 2^32 uses.
 */
export interface NonceSource {
  readonly next: () => { readonly epoch: number; readonly salt: Buffer; readonly counter: number }
  /** Salt of an epoch that was ever in use in this store. */
  readonly salt: (epoch: number) => Buffer | undefined
}

/** Seals small values: one AES-256-GCM each. `aad` says what the value belongs to. `open` throws when it does not authenticate. */
export interface RecordCipher {
  readonly seal: (aad: Uint8Array, plaintext: Uint8Array) => Buffer
  readonly open: (aad: Uint8Array, sealed: Uint8Array) => Buffer
}
