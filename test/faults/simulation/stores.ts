import { CodedError } from '../../../src/base/errors.ts'
import type { KeyProvider, KeyProviderErrorCode } from '../../../src/envelope/key-provider.ts'
import type { BlobId, BlobStore, BlobStoreErrorCode } from '../../../src/storage/blob/blob-store.ts'
import type { MetadataStore, MetadataStoreErrorCode } from '../../../src/storage/metadata/metadata-store.ts'
import type { Dice } from '../../support/content.ts'
import type { Faults } from './faults.ts'
import type { Life, Schedule } from './schedule.ts'

export interface World {
  readonly schedule: Schedule
  readonly faults: Faults
  readonly dice: Dice
}

const blobError = (code: BlobStoreErrorCode) => new CodedError(code, 'made by the simulation')
const unknown = () => new CodedError<MetadataStoreErrorCode>('CommitUnknown', 'made by the simulation')

/** Requests and replies travel; a commit's reply may get lost, whether it took place or not. */
export function simulatedMetadata(inner: MetadataStore, life: Life, { schedule, faults }: World): MetadataStore {
  const read =
    <A extends readonly unknown[], R>(ask: (...args: A) => Promise<R>) =>
    async (...args: A): Promise<R> => {
      await schedule.step(life, 'read')
      const answer = await schedule.work(() => ask(...args))
      await schedule.step(life, 'read reply')
      return answer
    }
  return {
    get: read(inner.get),
    getMany: read(inner.getMany),
    range: read(inner.range),
    groups: read(inner.groups),
    counters: read(inner.counters),
    snapshot: async () => {
      const snapshot = await read(inner.snapshot)()
      return { ...snapshot, range: read(snapshot.range), counters: read(snapshot.counters) }
    },
    commit: async (writes) => {
      await schedule.step(life, 'commit')
      if (faults.happens('commitLostBefore')) throw unknown()
      const done = await schedule.work(() => inner.commit(writes))
      await schedule.step(life, 'commit reply')
      if (faults.happens('commitLostAfter')) throw unknown()
      return done
    },
    close: async () => {},
  }
}

/** What is on the disk, finished or not: a process that is killed leaves what it wrote so far. */
export type Disk = Map<BlobId, Buffer[]>

export function simulatedBlobs(disk: Disk, lease: string, life: Life, world: World): BlobStore {
  const { schedule, faults, dice } = world
  let made = 0
  const bytesOf = (id: BlobId): Buffer => {
    const found = disk.get(id)
    if (!found) throw blobError('BlobMissing')
    return Buffer.concat(found)
  }
  const lengthOf = (chunks: readonly Buffer[]): number => chunks.reduce((sum, { length }) => sum + length, 0)

  const put: BlobStore['put'] = async (body, lengthBytes) => {
    await schedule.step(life, 'bytes')
    if (faults.happens('putRefused')) throw blobError('NoSpace')
    const id = `${lease}/${(made++).toString(16).padStart(8, '0')}`
    const chunks: Buffer[] = []
    disk.set(id, chunks)
    try {
      for await (const chunk of body) {
        await schedule.step(life, 'bytes')
        chunks.push(Buffer.from(chunk))
      }
      if (lengthBytes !== undefined && lengthOf(chunks) !== lengthBytes) throw blobError('BlobTorn')
    } catch (error) {
      // What is left of it is for the sweep.
      if (dice.below(2) === 0) disk.delete(id)
      throw error
    }
    await schedule.step(life, 'bytes reply')
    if (faults.happens('putLost')) throw blobError('BlobStoreFailed')
    return { id, lengthBytes: lengthOf(chunks) }
  }

  async function* get(id: BlobId, { start, end, chunkBytes }: Parameters<BlobStore['get']>[1]) {
    const piece = chunkBytes ?? Math.max(1, Math.ceil((end - start) / 3))
    for (let at = start; at < end; at += piece) {
      await schedule.step(life, 'read')
      const to = Math.min(at + piece, end)
      const bytes = bytesOf(id)
      if (bytes.length < to) throw blobError('BlobTorn')
      yield Buffer.from(bytes.subarray(at, to))
    }
  }

  return {
    lease,
    put,
    get,
    stat: async (id) => {
      await schedule.step(life, 'read')
      const found = disk.get(id)
      return found && { id, lengthBytes: lengthOf(found) }
    },
    remove: async (ids) => {
      const failed: BlobId[] = []
      for (const id of ids) {
        await schedule.step(life, 'remove')
        const fails = faults.happens('removeFails')
        if (!fails || dice.below(3) === 0) disk.delete(id)
        if (fails) failed.push(id)
      }
      await schedule.step(life, 'remove reply')
      if (faults.happens('removeFails') && dice.below(3) === 0) throw blobError('BlobStoreFailed')
      return failed
    },
    leases: async () => {
      await schedule.step(life, 'read')
      return [...new Set([...disk.keys()].map((id) => id.slice(0, 16)))].sort()
    },
    list: async (ofLease, after, limit) => {
      await schedule.step(life, 'read')
      const ids = [...disk.keys()].filter((id) => id.startsWith(ofLease) && (after === undefined || id > after)).sort()
      return ids.slice(0, limit).map((id) => ({ id, lengthBytes: lengthOf(disk.get(id) ?? []) }))
    },
    // As if sixteen shared a pack.
    removeUnnamed: async (ofLease, isNamed) => {
      await schedule.step(life, 'read')
      const ids = [...disk.keys()].filter((id) => id.startsWith(`${ofLease}/`))
      for (const [prefix, pack] of Map.groupBy(ids, (id) => id.slice(0, -1))) {
        if (await isNamed(prefix)) continue
        await schedule.step(life, 'remove')
        if (faults.happens('removeFails')) continue
        for (const id of pack) disk.delete(id)
      }
    },
    close: async () => {},
  }
}

const REFUSALS: readonly KeyProviderErrorCode[] = ['RootKeyDisabled', 'KeyProviderUnavailable', 'KeyAccessDenied']

export function simulatedProvider(inner: KeyProvider, life: Life, { schedule, faults, dice }: World): KeyProvider {
  const asked =
    <A extends readonly unknown[], R>(ask: (...args: A) => Promise<R>, refusals = REFUSALS) =>
    async (...args: A): Promise<R> => {
      await schedule.step(life, 'key')
      if (faults.happens('keyRefused')) throw new CodedError(dice.pick(refusals), 'made by the simulation')
      return ask(...args)
    }
  return {
    ...inner,
    wrap: asked(inner.wrap),
    unwrap: asked(inner.unwrap),
    rewrap: asked(inner.rewrap),
    permit: asked(inner.permit),
    describe: asked(inner.describe),
    find: asked(inner.find),
    register: asked(inner.register),
    // Whatever the state of the key.
    deregister: asked(inner.deregister, ['KeyProviderUnavailable', 'KeyAccessDenied']),
    close: async () => {},
  }
}
