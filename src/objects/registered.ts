import { hasCode } from '../base/errors.ts'
import type { MetadataStoreErrorCode, Write } from '../storage/metadata/metadata-store.ts'
import { keyCall } from './bucket-keys.ts'
import type { Bucket } from './buckets.ts'
import { registeredAt, registrationOf } from './deregistrations.ts'
import type { RootKeyChoice } from './encrypting.ts'
import type { Engine } from './engine.ts'
import { mayKeep } from './object-lock.ts'

/**
 * Does what makes the bucket refer to a root key while it is registered there: a customer's key that protects something of
 * a bucket is never without its registration, and none stays when nothing came of it. `end` belongs into the commit.
 */
export async function registered<T>(
  engine: Engine,
  bucket: Bucket,
  { rootKeyCrn, encryption }: RootKeyChoice,
  act: (end: readonly Write[]) => Promise<T>,
): Promise<T> {
  const known = registeredAt(bucket).some((at) => at.rootKeyCrn === rootKeyCrn)
  if (encryption === 'provider-managed' || known) return act([])
  const { name, serviceInstanceCrn } = bucket
  const of = { name, serviceInstanceCrn, rootKeyCrn }
  const end = await engine.deregistrations.begin(of)
  try {
    await engine.provider.register(keyCall(of), registrationOf(of, mayKeep(engine, bucket)))
    return await act([end])
  } catch (error) {
    // While it is not known whether the bucket refers to the key, it stays registered there.
    if (!hasCode<MetadataStoreErrorCode>(error, 'CommitUnknown')) await engine.deregistrations.settle(of)
    throw error
  } finally {
    void engine.deregistrations.retry(rootKeyCrn)
  }
}
