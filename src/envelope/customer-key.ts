import { timingSafeEqual } from 'node:crypto'
import { type Dek, dekFrom } from './dek.ts'
import { deriveKey, derivePair } from './hkdf.ts'
import { contextDigest } from './part-keys.ts'

/** An object whose DEK needs a key that its customer keeps. */
export interface CustomerKeyedIdentity {
  readonly bucketId: string
  readonly key: string
  /** 16 bytes. */
  readonly blobId: Buffer
}

export interface CustomerKeyed {
  readonly dek: Dek
  /** 32 bytes that tell whether a key is the right one, to whoever has the wrapped secret too. */
  readonly check: Buffer
}

export const CUSTOMER_KEY_BYTES = 32

const ETAG_LABEL = Buffer.from('OEF1/etg\0', 'latin1')
const DEK_LABEL = Buffer.from('OEF1/ssc\0', 'latin1')
const CHECK_LABEL = Buffer.from('OEF1/scv\0', 'latin1')

/**
 * The DEK that neither the wrapped `secret` (32 bytes) nor the customer's key (32 bytes) gives alone. The caller keeps and
 * zeroes both.
 */
export function withCustomerKey(secret: Dek, customerKey: Uint8Array, identity: CustomerKeyedIdentity): CustomerKeyed {
  if (secret.bytes.length !== CUSTOMER_KEY_BYTES || customerKey.length !== CUSTOMER_KEY_BYTES) {
    throw new RangeError('the wrapped secret and the customer key are 32 bytes each')
  }
  const both = Buffer.alloc(2 * CUSTOMER_KEY_BYTES)
  both.set(secret.bytes, 0)
  both.set(customerKey, CUSTOMER_KEY_BYTES)
  const context = contextDigest(identity.bucketId, identity.key)
  const info = (label: Buffer) => Buffer.concat([label, context])
  const [dek, check] = derivePair(both, identity.blobId, info(DEK_LABEL), info(CHECK_LABEL))
  both.fill(0)
  return { dek: dekFrom(dek), check }
}

/** The same DEK again; undefined when it is not the key that `check` was made with. */
export function openWithCustomerKey(
  secret: Dek,
  customerKey: Uint8Array,
  identity: CustomerKeyedIdentity,
  check: Uint8Array,
): Dek | undefined {
  const keyed = withCustomerKey(secret, customerKey, identity)
  if (keyed.check.length === check.length && timingSafeEqual(keyed.check, check)) return keyed.dek
  keyed.dek[Symbol.dispose]()
  return undefined
}

/** 16 bytes in place of the MD5 of what the DEK seals: the same for a part that is sent again, and nothing to others. */
export const keyedEtag = (dek: Dek, md5: Uint8Array): Buffer => deriveKey(dek.bytes, md5, ETAG_LABEL).subarray(0, 16)
