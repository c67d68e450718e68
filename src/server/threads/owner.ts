import type { AuditEvent } from '../../audit/event.ts'
import { ownCopy } from '../../base/bytes.ts'
import type { KeyProvider } from '../../envelope/key-provider.ts'
import type { WrapCounts, WrapUse } from '../../envelope/wrap-budget.ts'
import type { Iam } from '../../iam/iam.ts'
import { SPACE } from '../../objects/keyspace.ts'
import type { Objects, OwnerThreads } from '../../objects/objects.ts'
import { sharedPins } from '../../objects/shared-pins.ts'
import type { Metric } from '../../observe/metrics.ts'
import type { BlobId, BlobStore } from '../../storage/blob/blob-store.ts'
import type { ChangedRow, FollowRows } from '../../storage/metadata/changed-row.ts'
import type { RowChange } from '../../storage/metadata/commit-group.ts'
import { generations } from '../../storage/metadata/generations.ts'
import type { MetadataStore } from '../../storage/metadata/metadata-store.ts'
import { NONCE_SPACE } from '../../storage/metadata/nonce-source.ts'
import type { ConfigSources } from '../config.ts'
import type { Address } from '../settings.ts'
import type { StoreName } from '../stores.ts'
import { ANNOUNCED } from './announced.ts'
import { type Follower, startFollowers } from './followers.ts'
import { decideCommits } from './forwarded-commits.ts'
import { errorOf, type Handlers } from './line.ts'
import type { HandedOver, OwnerCalls } from './messages.ts'
import { type SharedFlags, type SharedMemory, sharedFlags, sharedMemory } from './shared-memory.ts'
import type { ThreadLoad } from './thread-load.ts'

/** What the threads that follow are served with, once it is there. */
export interface ServedFollowers {
  readonly objects: Pick<Objects, 'elsewhere' | 'keyChecks' | 'accessLogs' | 'buckets'>
  readonly iam: Pick<Iam, 'policies'>
  readonly provider: Pick<KeyProvider, 'register' | 'deregister'>
  readonly wrapCounts: WrapCounts
  readonly onWrapBudget: (state: 'near' | 'spent', use: WrapUse) => void
  readonly accountRootKey: (accountId: string) => Promise<string>
  readonly audit: { readonly record: (event: AuditEvent) => void; readonly settled: () => Promise<void> }
  readonly takeConnection: (over: HandedOver) => void
  readonly serviceRootKeyCrn: string
}

/** The threads that follow this one, which owns the stores. */
export interface Threads {
  readonly memory: SharedMemory
  readonly flags: SharedFlags
  readonly engine: OwnerThreads
  /** For a store that the threads have open, too. */
  readonly sharing: (store: StoreName) => {
    readonly onCommitted: (changes: readonly RowChange[]) => Promise<void> | undefined
  }
  /** A store that threads commit to, and what this thread takes in of what they commit. */
  readonly opened: (store: StoreName, raw: MetadataStore, committing: MetadataStore, follow: FollowRows) => void
  /** What threads wrote is removed by them: they alone know what is still open. */
  readonly removing: (blobs: BlobStore, storageClass?: string) => BlobStore
  readonly doubt: (rootKeyCrn: string) => void
  readonly open: (served: ServedFollowers) => Promise<void>
  readonly listen: (address: Address) => Promise<void>
  /** One more serves. Rejects when it cannot be had: those that are there go on. Only once they listen. */
  readonly more: () => Promise<void>
  /** One of them takes no more connections, and ends when its last one has. */
  readonly fewer: () => void
  /** Of those that serve. */
  readonly loads: () => Promise<readonly ThreadLoad[]>
  /** Of the one at this place among those, so many connections are to end with their next answer. */
  readonly endConnections: (place: number, count: number) => void
  /** How many serve. */
  readonly serving: () => number
  /** The same, with those that come or leave. */
  readonly there: () => number
  readonly lookAtCertificate: () => Promise<void>
  /** What each of them counts. */
  readonly metrics: () => Promise<readonly (readonly Metric[])[]>
  /** No new connections; resolves when those at work have ended, cut after `graceMs`. */
  readonly drain: (graceMs: number) => Promise<void>
  readonly close: () => Promise<void>
}

export interface ThreadsOptions {
  /** Beside this one. */
  readonly count: number
  readonly sources: ConfigSources
  /** A thread ended, and with it what it was doing: the process should end and be started again. */
  readonly onFailure: (error: Error) => void
  readonly onError: (error: unknown) => void
}

const LEASE_CHARACTERS = 16

export function startThreads({ count, sources, onFailure, onError }: ThreadsOptions): Threads {
  const memory = sharedMemory()
  const flags = sharedFlags(memory)
  const numbers = generations(memory.generations)
  const pins = sharedPins(memory.pins)
  const stores = new Map<StoreName, { raw: MetadataStore; committing: MetadataStore; follow: FollowRows }>()
  let served: ServedFollowers | undefined
  const serving = (): ServedFollowers => {
    if (!served) throw new Error('the thread that owns the stores is not open yet')
    return served
  }
  const storeOf = (name: StoreName) => {
    const store = stores.get(name)
    if (!store) throw new Error(`the store ${name} is not open`)
    return store
  }

  const announce = async (name: StoreName, rows: readonly ChangedRow[]): Promise<void> => {
    try {
      const told = all('rows', { store: name, rows })
      const apply = await stores.get(name)?.follow(rows)
      apply?.()
      if (name === 'metadata') await served?.objects.elsewhere.follow(rows)
      await told
    } catch (cause) {
      // It is committed, and a thread does not know it: nobody may be told, and nobody may go on.
      onFailure(new Error('a serving thread did not take in what was committed', { cause }))
      await new Promise(() => {})
    }
  }

  const handlers: Handlers<OwnerCalls> = {
    commit: ({ store, bytes }) =>
      decideCommits(bytes, storeOf(store).committing.commit, (spaces) => serving().objects.elsewhere.committed(spaces)),
    audit: (events) => {
      for (const event of JSON.parse(events) as AuditEvent[]) serving().audit.record(event)
    },
    auditSettled: () => serving().audit.settled(),
    wrapsReserved: ({ crn, keyVersion }) => serving().wrapCounts.reserved(crn, keyVersion),
    reserveWraps: ({ crn, keyVersion, wraps }) => serving().wrapCounts.reserve(crn, keyVersion, wraps),
    wrapBudget: ({ state, use }) => serving().onWrapBudget(state, use),
    accountRootKey: (accountId) => serving().accountRootKey(accountId),
    register: ({ call, registration }) => serving().provider.register(call, registration),
    deregister: ({ call, registration }) => serving().provider.deregister(call, registration),
    keyChanged: (rootKeyCrn) => serving().objects.keyChecks.doubt(rootKeyCrn),
    outdated: ({ bucketId, rootKeyCrn, keyVersion }) =>
      serving().objects.elsewhere.outdated(bucketId, rootKeyCrn, keyVersion),
    released: () => serving().objects.elsewhere.committed(new Set([SPACE.garbage])),
    recount: () => serving().objects.elsewhere.recount(),
    accessLine: ({ bucketId, line, timeMs }) => {
      const { buckets, accessLogs } = serving().objects
      const bucket = buckets.all().find(({ id }) => id === bucketId)
      if (bucket) accessLogs.add(bucket, line, timeMs)
    },
    permits: (counted) => serving().iam.policies.addPermits(counted),
    handOver: (over) => serving().takeConnection(over),
    storeFailed: (failure) => onFailure(errorOf(failure)),
  }

  const followers = startFollowers({ count, workerData: { ...sources, memory }, handlers, onFailure, onError })
  const { all, ask, list, servers } = followers

  return {
    memory,
    flags,
    engine: {
      generations: numbers,
      orderMemory: memory.orders,
      sequencerMemory: memory.sequencers,
      isRunning: (lease) => list.some((follower) => follower.lease === lease),
      readers: {
        isHeld: pins.isHeld,
        settled: async () => {
          if (followers.isClosing()) await followers.closed
          if (list.length === 0) return
          // What is written has its number by then, so nothing older is found in a cache.
          await storeOf('metadata').raw.commit([])
          await all('lookedUp', undefined)
        },
      },
    },
    sharing: (store) => ({
      onCommitted: (changes) => {
        const rows: ChangedRow[] = []
        for (const { key, value } of changes) {
          const space = key[0] ?? 0
          if (space > NONCE_SPACE) continue
          if (store === 'metadata') numbers.changed(key)
          if (ANNOUNCED[store](space)) rows.push({ space, key: key.subarray(1), isGone: value === undefined })
        }
        return rows.length === 0 || list.length === 0 ? undefined : announce(store, rows.map(ownMemory))
      },
    }),
    opened: (name, raw, committing, follow) => void stores.set(name, { raw, committing, follow }),
    removing: (blobs, storageClass) => ({
      ...blobs,
      remove: async (ids) => {
        // Nobody appends any more to what is left then.
        if (followers.isClosing()) await followers.closed
        const byThread = Map.groupBy(ids, (id) => list.find(({ lease }) => lease === id.slice(0, LEASE_CHARACTERS)))
        const failed = await Promise.all(
          Array.from(
            byThread,
            ([follower, of]): Promise<readonly BlobId[]> =>
              follower
                ? removeThere(follower, of, storageClass).catch((error) => {
                    if (follower.state === 'ended') return blobs.remove(of)
                    throw error
                  })
                : blobs.remove(of),
          ),
        )
        blobs.letGo?.(ids)
        const outside = storageClass === undefined ? ids : ids.map((id) => outer(id, storageClass))
        for (const { line } of list) line.tell('letGo', outside)
        return failed.flat()
      },
    }),
    doubt: (rootKeyCrn) => {
      for (const { line } of list) line.tell('doubt', rootKeyCrn)
    },
    open: (given) => {
      served = given
      return followers.open(given.serviceRootKeyCrn)
    },
    listen: followers.listen,
    more: followers.more,
    fewer: followers.fewer,
    loads: async () => {
      const loads = await Promise.all(servers().map((follower) => ask(follower, 'load', undefined, () => undefined)))
      return loads.filter((load) => load !== undefined)
    },
    endConnections: (place, connections) => servers()[place]?.line.tell('endConnections', connections),
    serving: () => servers().length,
    there: () => list.length,
    lookAtCertificate: async () => void (await all('lookAtCertificate', undefined)),
    metrics: async () => {
      // First: what ends meanwhile tells of itself.
      const before = followers.gone()
      if (followers.isClosing()) return [before]
      const counted = await Promise.all(
        list.map((follower) => ask(follower, 'metrics', undefined, () => follower.counted)),
      )
      return [before, ...counted]
    },
    drain: followers.drain,
    close: followers.close,
  }
}

/** Of a structured clone, which would take the whole piece of memory that a key lies in. */
const ownMemory = ({ key, ...row }: ChangedRow): ChangedRow => ({ ...row, key: ownCopy(key) })

const outer = (id: BlobId, storageClass: string): BlobId =>
  `${id.slice(0, LEASE_CHARACTERS)}/@${storageClass}${id.slice(LEASE_CHARACTERS)}`

/** Inside, a store of a class knows nothing of it. */
async function removeThere(
  { line }: Follower,
  ids: readonly BlobId[],
  storageClass: string | undefined,
): Promise<readonly BlobId[]> {
  if (storageClass === undefined) return line.ask('remove', ids)
  const byOuter = new Map(ids.map((id) => [outer(id, storageClass), id]))
  const failed = await line.ask('remove', [...byOuter.keys()])
  return failed.map((id) => byOuter.get(id) ?? id)
}
