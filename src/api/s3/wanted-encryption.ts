import type { Bucket } from '../../objects/buckets.ts'
import type { Algorithm, Encrypting } from '../../objects/encrypting.ts'
import { type BucketEncryption, bucketEncryption } from './bucket-encryption.ts'
import type { RequestedEncryption } from './encryption-headers.ts'
import { S3Error } from './error-codes.ts'
import type { OperationContext } from './operation.ts'
import { accountRootKey, type NamedRootKey, rootKeyNamed } from './root-key-name.ts'

type Context = Pick<OperationContext, 'objects' | 'settings' | 'mayUseRootKey' | 'keyInstances' | 'request'>

/** How something new in the bucket is to be encrypted: as the request says, or else as the bucket has it. */
export async function wantedEncryption(
  requested: RequestedEncryption,
  bucket: Bucket,
  context: Context,
): Promise<Encrypting> {
  const { algorithm, keyName, bucketKey, customerKey } = requested
  if (customerKey) {
    checkCustomerKey(bucket, context)
    return { customerKey: customerKey.key, bucketKey }
  }
  if (algorithm === undefined) return usual(bucketEncryption.of(context.objects, bucket), bucketKey)
  if (algorithm === 'AES256') {
    refuseServiceKey(bucket)
    return { bucketKey }
  }
  const rootKey = await kmsKey(keyName, bucket, context)
  return { bucketKey, ...under(algorithm, rootKey), context: requested.context?.values }
}

/** Of a request that brings its customer's key for something new. */
export function checkCustomerKey(
  bucket: Bucket,
  { objects, settings, request }: Pick<Context, 'objects' | 'settings' | 'request'>,
): void {
  if (bucket.encryption === 'customer-managed') {
    throw new S3Error(
      'InvalidRequest',
      'SSE-C is not supported on a bucket that is encrypted with a Key Protect root key.',
    )
  }
  if (bucketEncryption.of(objects, bucket)?.blocked?.includes('SSE-C')) {
    throw new S3Error(
      'AccessDenied',
      'This bucket has blocked upload requests that specify Server Side Encryption with Customer provided keys (SSE-C). Please specify a different server-side encryption type',
    )
  }
  if (!settings.customerKeysOverHttp && !request.secure) {
    throw new S3Error(
      'InvalidRequest',
      'Requests specifying Server Side Encryption with Customer provided keys must be made over a secure connection.',
    )
  }
}

/** The customer decides about the keys of a bucket that was made with his: nothing in it comes under the service's. */
export function refuseServiceKey({ encryption }: Bucket): void {
  if (encryption === 'provider-managed') return
  throw new S3Error(
    'InvalidRequest',
    'The objects of this bucket are encrypted with its Key Protect root key; AES256 cannot be asked for.',
  )
}

/** Without a name the bucket's own key, where that is a customer's, or else the one of its account. */
export function kmsKey(keyName: string | undefined, bucket: Bucket, context: Context): Promise<NamedRootKey> {
  if (keyName !== undefined) return rootKeyNamed(keyName, bucket, context)
  const { rootKeyCrn, encryption } = bucket
  return encryption === 'customer-managed'
    ? Promise.resolve({ rootKeyCrn, encryption, keyName: rootKeyCrn })
    : accountRootKey(bucket, context)
}

function under(algorithm: Algorithm, { keyName, ...rootKey }: NamedRootKey): Encrypting {
  const asked = { algorithm, keyName, rootKeyCrn: rootKey.rootKeyCrn }
  return { rootKey, asked, ...(algorithm === 'aws:kms:dsse' ? { twice: true, bucketKey: false } : {}) }
}

function usual(set: BucketEncryption | undefined, bucketKey: boolean | undefined): Encrypting {
  const { algorithm, keyName, rootKeyCrn, encryption } = set ?? {}
  const wanted = { bucketKey: bucketKey ?? set?.bucketKey }
  if (algorithm === undefined || rootKeyCrn === undefined || encryption === undefined) return wanted
  return { ...wanted, ...under(algorithm, { rootKeyCrn, encryption, keyName: keyName ?? rootKeyCrn }) }
}
