import { formatCrn, parseCrn } from '../base/crn.ts'
import { hasCode } from '../base/errors.ts'
import type { Serial } from '../base/serial.ts'
import type { KeyProvider, KeyProviderErrorCode, Registration } from '../envelope/key-provider.ts'
import { type DamagedRow, rangeWithDamaged } from '../storage/metadata/damaged-rows.ts'
import type { Entry, MetadataStore, Token, Write } from '../storage/metadata/metadata-store.ts'
import { keyCall } from './bucket-keys.ts'
import type { Buckets } from './buckets.ts'
import { deregistrationKey, rowsUnder, SPACE } from './keyspace.ts'
import { type BucketRecord, type DeregistrationRecord, decodeDeregistration, encodeDeregistration } from './records.ts'

const RETRY_EVERY_MS = 5 * 60_000
const PAGE = 100

/**
 * Registrations at root keys that have no bucket. Each has a row from before the registration exists until it has ended or
 * its bucket exists, and again from the commit that removes the bucket: whatever interrupts, none is forgotten, and a key
 * is not kept from deletion by a bucket that is gone.
 */
export interface Deregistrations {
  /** Belongs into the commit that removes the bucket. */
  readonly entry: (of: DeregistrationRecord) => Write
  /** To be durable before the key is asked to register. Resolves to the write that belongs into the commit that creates the bucket. */
  readonly begin: (of: DeregistrationRecord) => Promise<Write>
  /** Ends the registration, unless there is such a bucket. Never throws: what fails is tried again. Within the serial of the name. */
  readonly settle: (of: DeregistrationRecord) => Promise<void>
  /** What waits at one root key, or at all; not within the serial of a name. */
  readonly retry: (rootKeyCrn?: string) => Promise<void>
  readonly close: () => Promise<void>
}

/** `crn:…:cloud-object-storage:global:a/<account>:<instance>:bucket:<name>` */
export function bucketCrn(bucket: Pick<BucketRecord, 'serviceInstanceCrn' | 'name'>): string {
  return formatCrn({ ...parseCrn(bucket.serviceInstanceCrn), resourceType: 'bucket', resource: bucket.name })
}

/** `keeps`: versions of the bucket may be kept from removal, and then the key is as well. */
export const registrationOf = (bucket: DeregistrationRecord, keeps = false): Registration => ({
  rootKeyCrn: bucket.rootKeyCrn,
  resourceCrn: bucketCrn(bucket),
  description: 'Object storage bucket',
  ...(keeps ? { preventKeyDeletion: true } : {}),
})

/** The registrations that a bucket has: at each customer's key that one of its slots is of. */
export function registeredAt({ name, serviceInstanceCrn, slots }: BucketRecord): DeregistrationRecord[] {
  const crns = slots.flatMap(({ encryption, rootKeyCrn }) => (encryption === 'customer-managed' ? [rootKeyCrn] : []))
  return [...new Set(crns)].map((rootKeyCrn) => ({ name, serviceInstanceCrn, rootKeyCrn }))
}

const rowOf = (of: DeregistrationRecord): Buffer => deregistrationKey(of.rootKeyCrn, bucketCrn(of))

export function openDeregistrations(options: {
  readonly metadata: MetadataStore
  readonly provider: KeyProvider
  readonly buckets: Buckets
  /** One task at a time for a bucket name. */
  readonly byName: Serial
  readonly onError: (error: unknown) => void
}): Deregistrations {
  const { metadata, provider, buckets, byName, onError } = options
  let closed = false

  const entry = (of: DeregistrationRecord): Write => ({
    type: 'put',
    space: SPACE.deregistration,
    key: rowOf(of),
    value: encodeDeregistration(of),
  })
  const remove = (key: Buffer, token: Token): Write => ({
    type: 'delete',
    space: SPACE.deregistration,
    key,
    if: token,
  })

  const end = async (of: DeregistrationRecord): Promise<void> => {
    try {
      await provider.deregister(keyCall(of), registrationOf(of))
    } catch (error) {
      // The registrations of a key end with it.
      if (!hasCode<KeyProviderErrorCode>(error, 'RootKeyNotFound')) throw error
    }
  }

  const settle = async (of: DeregistrationRecord): Promise<void> => {
    const key = rowOf(of)
    try {
      const row = await metadata.get(SPACE.deregistration, key)
      if (!row) return
      const bucket = await buckets.refresh(of.name)
      const needed = bucket && registeredAt(bucket).some((registered) => rowOf(registered).equals(key))
      if (!needed) await end(of)
      await metadata.commit([remove(key, row.token)])
    } catch (error) {
      if (!hasCode<KeyProviderErrorCode>(error, 'KeyAccessDenied', 'KeyProviderUnavailable')) onError(error)
    }
  }

  const retryNow = async (rootKeyCrn?: string): Promise<void> => {
    const { gte: first, lt } = rowsUnder(rootKeyCrn === undefined ? Buffer.alloc(0) : deregistrationKey(rootKeyCrn))
    let gte = first
    for (;;) {
      const rows: (Entry | DamagedRow)[] = await rangeWithDamaged(metadata, SPACE.deregistration, {
        gte,
        lt,
        limit: PAGE,
      })
      for (const row of rows) {
        if (closed) return
        if ('damage' in row) {
          onError(new Error(`a registration to be ended cannot be read: ${row.key}`, { cause: row.damage }))
          continue
        }
        const of = decodeDeregistration(row.value)
        await byName.run(of.name, () => settle(of))
      }
      const last = rows.at(-1)
      if (rows.length < PAGE || !last) return
      gte = Buffer.concat([last.key, Buffer.from([0])])
    }
  }

  const running = new Set<Promise<void>>()
  const retry = (rootKeyCrn?: string): Promise<void> => {
    if (closed) return Promise.resolve()
    const run = retryNow(rootKeyCrn)
      .catch(onError)
      .finally(() => void running.delete(run))
    running.add(run)
    return run
  }
  const timer = setInterval(() => void retry(), RETRY_EVERY_MS).unref()

  return {
    entry,
    begin: async (of) => {
      await metadata.commit([entry(of)])
      const row = await metadata.get(SPACE.deregistration, rowOf(of))
      return row ? remove(row.key, row.token) : { type: 'delete', space: SPACE.deregistration, key: rowOf(of) }
    },
    settle,
    retry,
    close: async () => {
      closed = true
      clearInterval(timer)
      await Promise.all(running)
    },
  }
}
