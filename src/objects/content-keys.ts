import { encodeList } from '../base/bytes.ts'
import { hasCode } from '../base/errors.ts'
import { openWithCustomerKey, withCustomerKey } from '../envelope/customer-key.ts'
import { type Dek, dekFrom, newDek } from '../envelope/dek.ts'
import { encryptionContextDigest } from '../envelope/encryption-context.ts'
import type { LayerKeys } from '../envelope/layers.ts'
import type { BucketKeys } from './bucket-keys.ts'
import type { Encrypting, Sealing } from './encrypting.ts'
import { ObjectsError, type ObjectsErrorCode } from './errors.ts'
import type { StoredDek } from './key-slots.ts'
import type { BucketRecord } from './records.ts'

/** The keys of one object or upload, open. */
export interface ContentKeys extends LayerKeys, Disposable {}

/** Keys of something new. Dispose them. */
export interface NewContentKeys extends ContentKeys {
  /** What is wrapped: the DEK itself, but for an object that needs its customer's key too. */
  readonly secret: Dek
  readonly wrapped: StoredDek
  readonly sealing: Sealing
}

interface Place {
  readonly bucket: BucketRecord
  readonly key: string
  /** Of the envelope: the object's, or the upload's. */
  readonly blobId: Buffer
}

export const contextOf = ({ context }: Encrypting): string | undefined => context && encryptionContextDigest(context)

export async function newContentKeys(
  keys: BucketKeys,
  place: Place,
  slot: number,
  encrypting: Encrypting,
  context = contextOf(encrypting),
): Promise<NewContentKeys> {
  using scope = new DisposableStack()
  const { bucket, key, blobId } = place
  const { dek: secret, wrapped } = await keys.newDek(bucket, key, blobId, slot, context)
  scope.use(secret)
  const { customerKey, twice = false, asked } = encrypting
  const keyed = customerKey && withCustomerKey(secret, customerKey, { bucketId: bucket.id, key, blobId })
  if (keyed) scope.use(keyed.dek)
  const outer = twice ? scope.use(newDek()) : undefined
  const sealing: Sealing = {
    ...(asked ? { asked } : {}),
    ...(keyed ? { customerKeyCheck: keyed.check } : {}),
    ...(outer ? { outerKey: await sealOuterKey(keys, place, outer) } : {}),
  }
  const held = scope.move()
  return { secret, wrapped, sealing, dek: keyed?.dek ?? secret, outer, [Symbol.dispose]: () => held.dispose() }
}

/**
 * Throws CustomerKeyRequired, CustomerKeyNotApplicable, CustomerKeyWrong, and what unwrapping throws. The customer's key is
 * asked for before the root key is.
 */
export async function openContentKeys(
  keys: BucketKeys,
  place: Place,
  { wrappedDek, sealing }: { readonly wrappedDek: StoredDek; readonly sealing: Sealing },
  customerKey: Buffer | undefined,
): Promise<ContentKeys> {
  const { customerKeyCheck, outerKey } = sealing
  if (customerKeyCheck && !customerKey) throw customerKeyError('CustomerKeyRequired')
  if (customerKey && !customerKeyCheck) throw customerKeyError('CustomerKeyNotApplicable')
  using scope = new DisposableStack()
  const { bucket, key, blobId } = place
  const secret = scope.use(await keys.unwrapDek(bucket, key, blobId, wrappedDek))
  let dek = secret
  if (customerKey && customerKeyCheck) {
    const opened = openWithCustomerKey(secret, customerKey, { bucketId: bucket.id, key, blobId }, customerKeyCheck)
    if (!opened) throw customerKeyError('CustomerKeyWrong')
    dek = scope.use(opened)
  }
  const outer = outerKey && scope.use(await openOuterKey(keys, place, outerKey))
  const held = scope.move()
  return { dek, outer, [Symbol.dispose]: () => held.dispose() }
}

const MESSAGES = {
  CustomerKeyRequired:
    'The object was stored using a form of Server Side Encryption. The correct parameters must be provided to retrieve the object.',
  CustomerKeyNotApplicable: 'The encryption parameters are not applicable to this object.',
  CustomerKeyWrong:
    'Requests specifying Server Side Encryption with Customer provided keys must provide the correct secret key.',
} as const

/** What opening with the wrong customer's key, or none, comes to for an upload. */
export function uploadKeyError(error: unknown): unknown {
  if (hasCode<ObjectsErrorCode>(error, 'CustomerKeyRequired')) {
    return mismatch(
      'The multipart upload initiate requested encryption. Subsequent part requests must include the appropriate encryption parameters.',
    )
  }
  if (hasCode<ObjectsErrorCode>(error, 'CustomerKeyNotApplicable')) {
    return mismatch(
      'The multipart upload initiate did not request encryption. Subsequent part requests must not include encryption parameters.',
    )
  }
  return hasCode<ObjectsErrorCode>(error, 'CustomerKeyWrong')
    ? mismatch('The provided encryption parameters did not match the ones used originally.')
    : error
}

const mismatch = (message: string): ObjectsError => new ObjectsError('UploadKeyMismatch', message)

const customerKeyError = (code: keyof typeof MESSAGES): ObjectsError => new ObjectsError(code, MESSAGES[code])

/** Under the bucket metadata key, so that both keys never come from one unwrapping. */
async function sealOuterKey(keys: BucketKeys, place: Place, outer: Dek): Promise<Buffer> {
  using cipher = await keys.summaryCipher(place.bucket)
  return cipher.seal(outerAad(place), outer.bytes)
}

async function openOuterKey(keys: BucketKeys, place: Place, sealed: Buffer): Promise<Dek> {
  using cipher = await keys.summaryCipher(place.bucket)
  return dekFrom(cipher.open(outerAad(place), sealed))
}

const outerAad = ({ bucket, key, blobId }: Place): Buffer => encodeList(['OEF1/outer', bucket.id, key, blobId])
