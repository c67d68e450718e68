import { type BucketKeys, keyCall } from './bucket-keys.ts'
import { registeredAt, registrationOf } from './deregistrations.ts'
import type { Engine } from './engine.ts'
import { type KeyRefusals, unlessRefused } from './key-refusals.ts'
import { mayKeep } from './object-lock.ts'
import { newestVersions } from './outdated.ts'
import type { BucketRecord } from './records.ts'

/** After a bucket was rewrapped: its registrations tell the version of the root key that it is under now. */
export async function renewRegistrations(engine: Engine, keys: BucketKeys, bucket: BucketRecord): Promise<void> {
  const refusals: KeyRefusals = new Map()
  const newest = await newestVersions(keys, bucket, refusals)
  for (const of of registeredAt(bucket)) {
    const keyVersion = newest.get(of.rootKeyCrn)
    // A provider that has no versions says none.
    if (!keyVersion) continue
    await unlessRefused(refusals, of.rootKeyCrn, () =>
      engine.provider.register(keyCall(of), { ...registrationOf(of, mayKeep(engine, bucket)), keyVersion }),
    )
  }
}

/** After a bucket got Object Lock, or protection: its keys must not be deleted as long as it is there. */
export async function keepKeys(engine: Engine, bucket: BucketRecord): Promise<void> {
  for (const of of registeredAt(bucket)) await engine.provider.register(keyCall(of), registrationOf(of, true))
}
