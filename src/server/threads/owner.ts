import { Worker } from 'node:worker_threads'
import type { AuditEvent } from '../../audit/event.ts'
import { newLease } from '../../base/ids.ts'
import type { KeyProvider } from '../../envelope/key-provider.ts'
import type { WrapCounts, WrapUse } from '../../envelope/wrap-budget.ts'
import type { Iam } from '../../iam/iam.ts'
import { SPACE } from '../../objects/keyspace.ts'
import type { Objects, OwnerThreads } from '../../objects/objects.ts'
import { sharedPins } from '../../objects/shared-pins.ts'
import { type Metric, summed } from '../../observe/metrics.ts'
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
import { decideCommits } from './forwarded-commits.ts'
import { errorOf, type Handlers, type Line, openLine } from './line.ts'
import type { FollowerCalls, HandedOver, OwnerCalls, ThreadStart } from './messages.ts'
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

/** `opening`: it serves nobody yet, and may fail alone. */
type State = 'opening' | 'serving' | 'leaving' | 'closing' | 'ended'

interface Follower {
  readonly worker: Worker
  readonly line: Line<FollowerCalls>
  readonly lease: string
  state: State
  /** Rejects when it fails while it opens. */
  readonly failed: Promise<never>
  /** In its life, once it has ended. */
  counted: readonly Metric[]
}

const LEASE_CHARACTERS = 16

export function startThreads({ count, sources, onFailure, onError }: ThreadsOptions): Threads {
  const memory = sharedMemory()
  const flags = sharedFlags(memory)
  const numbers = generations(memory.generations)
  const pins = sharedPins(memory.pins)
  const followers: Follower[] = []
  const stores = new Map<StoreName, { raw: MetadataStore; committing: MetadataStore; follow: FollowRows }>()
  let served: ServedFollowers | undefined
  let address: Address | undefined
  let isDraining = false
  let isClosing = false
  const closed = Promise.withResolvers<void>()
  /** Threads that come or go. */
  const changes = new Set<Promise<unknown>>()
  /** What those counted that are gone. */
  let gone: readonly Metric[] = []
  /** One that has ended answers nothing, and nobody is served by it any more. */
  const ask = async <Name extends keyof FollowerCalls, Else>(
    follower: Follower,
    name: Name,
    asked: FollowerCalls[Name]['asked'],
    ended: () => Else | Promise<Else>,
  ): Promise<FollowerCalls[Name]['answered'] | Else> => {
    try {
      return await follower.line.ask(name, asked)
    } catch (error) {
      if (follower.state === 'ended') return ended()
      throw error
    }
  }
  const all = <Name extends keyof FollowerCalls>(name: Name, asked: FollowerCalls[Name]['asked']) =>
    Promise.all(followers.map((follower) => ask(follower, name, asked, () => undefined)))
  const servers = (): Follower[] => followers.filter(({ state }) => state === 'serving')
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

  const start = (): Follower => {
    const workerData: ThreadStart = { ...sources, memory }
    const worker = new Worker(new URL('./main.js', import.meta.url), { workerData, stdout: false, stderr: false })
    const failure = Promise.withResolvers<never>()
    // Nobody may be waiting for it.
    failure.promise.catch(() => {})
    const follower: Follower = {
      ...{ worker, lease: newLease(), state: 'opening', failed: failure.promise, counted: [] },
      line: openLine<OwnerCalls, FollowerCalls>(worker, handlers, onError),
    }
    const failed = (cause: unknown): void => {
      if (follower.state === 'ended') return
      const error = cause instanceof Error ? cause : new Error('a serving thread failed', { cause })
      if (follower.state === 'opening') failure.reject(error)
      else if (!isClosing) onFailure(error)
    }
    worker.on('error', failed)
    worker.on('exit', (code) => failed(new Error(`a serving thread ended with ${code}`)))
    return follower
  }

  const end = async (follower: Follower): Promise<void> => {
    const { worker, line } = follower
    follower.state = 'ended'
    const at = followers.indexOf(follower)
    if (at >= 0) followers.splice(at, 1)
    line.end(new Error('the serving thread has ended'))
    await worker.terminate()
  }

  /** Resolves when it could serve. From its start on it is told of what changes, and its lease is left alone. */
  const open = async (follower: Follower): Promise<void> => {
    const { line, lease, failed } = follower
    const { serviceRootKeyCrn } = serving()
    followers.push(follower)
    try {
      await Promise.race([line.ask('open', { serviceRootKeyCrn, lease }), failed])
    } catch (error) {
      await end(follower)
      throw error
    }
  }

  const listen = async ({ line }: Follower, isStart: boolean): Promise<void> => {
    if (!address) throw new Error('there is no address to serve at yet')
    await line.ask('listen', { ...address, isStart })
  }

  const join = async (): Promise<void> => {
    const leaving = followers.find(({ state }) => state === 'leaving')
    const follower = leaving ?? start()
    if (!leaving) await open(follower)
    follower.state = 'serving'
    if (isDraining) return
    try {
      // It may have been renewed after this one read it.
      await ask(follower, 'lookAtCertificate', undefined, () => undefined)
      await listen(follower, false)
    } catch (error) {
      await finish(follower)
      throw error
    }
  }

  const leave = async (follower: Follower): Promise<void> => {
    follower.state = 'leaving'
    const isIdle = await ask(follower, 'leave', undefined, () => false)
    if (isIdle && follower.state === 'leaving' && !isClosing) await during(finish(follower))
  }

  const finish = async (follower: Follower): Promise<void> => {
    follower.state = 'closing'
    const counted = await ask(follower, 'close', undefined, () => [])
    follower.counted = counted.filter(({ type }) => type !== 'gauge')
    gone = summed([...gone, ...follower.counted])
    await end(follower)
  }

  const during = async (change: Promise<void>): Promise<void> => {
    changes.add(change)
    try {
      await change
    } finally {
      changes.delete(change)
    }
  }

  // Their code is loaded while this thread opens the stores.
  const started = Array.from({ length: count }, start)
  let closing: Promise<void> | undefined
  const close = async (): Promise<void> => {
    await Promise.allSettled(changes)
    isClosing = true
    try {
      await all('close', undefined)
    } finally {
      await Promise.all([...new Set([...started, ...followers])].map(end))
      closed.resolve()
    }
  }

  return {
    memory,
    flags,
    engine: {
      generations: numbers,
      orderMemory: memory.orders,
      sequencerMemory: memory.sequencers,
      isRunning: (lease) => followers.some((follower) => follower.lease === lease),
      readers: {
        isHeld: pins.isHeld,
        settled: async () => {
          if (isClosing) await closed.promise
          if (followers.length === 0) return
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
        return rows.length === 0 || followers.length === 0 ? undefined : announce(store, rows.map(ownMemory))
      },
    }),
    opened: (name, raw, committing, follow) => void stores.set(name, { raw, committing, follow }),
    removing: (blobs, storageClass) => ({
      ...blobs,
      remove: async (ids) => {
        // Nobody appends any more to what is left then.
        if (isClosing) await closed.promise
        const byThread = Map.groupBy(ids, (id) =>
          followers.find(({ lease }) => lease === id.slice(0, LEASE_CHARACTERS)),
        )
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
        for (const { line } of followers) line.tell('letGo', outside)
        return failed.flat()
      },
    }),
    doubt: (rootKeyCrn) => {
      for (const { line } of followers) line.tell('doubt', rootKeyCrn)
    },
    open: async (given) => {
      served = given
      await Promise.all(started.map(open))
      for (const follower of started) follower.state = 'serving'
    },
    listen: async (given) => {
      address = given
      // One after the other, for what each does when its start is over.
      for (const follower of followers) await listen(follower, true)
    },
    more: () => during(join()),
    fewer: () => {
      const follower = servers().at(-1)
      if (follower) leave(follower).catch(onFailure)
    },
    loads: async () => {
      const loads = await Promise.all(servers().map((follower) => ask(follower, 'load', undefined, () => undefined)))
      return loads.filter((load) => load !== undefined)
    },
    endConnections: (place, connections) => servers()[place]?.line.tell('endConnections', connections),
    serving: () => servers().length,
    there: () => followers.length,
    lookAtCertificate: async () => void (await all('lookAtCertificate', undefined)),
    metrics: async () => {
      // First: what ends meanwhile tells of itself.
      const before = gone
      if (isClosing) return [before]
      const counted = await Promise.all(
        followers.map((follower) => ask(follower, 'metrics', undefined, () => follower.counted)),
      )
      return [before, ...counted]
    },
    drain: async (graceMs) => {
      isDraining = true
      await all('drain', graceMs)
    },
    close: () => {
      closing ??= close()
      return closing
    },
  }
}

/** Of a structured clone, which would take the whole piece of memory that a key lies in. */
const ownMemory = ({ key, ...row }: ChangedRow): ChangedRow => ({
  ...row,
  key: Buffer.from(new Uint8Array(key).buffer),
})

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
