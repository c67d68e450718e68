import { Worker } from 'node:worker_threads'
import { newLease } from '../../base/ids.ts'
import { type Metric, summed } from '../../observe/metrics.ts'
import type { Address } from '../settings.ts'
import { type Handlers, type Line, openLine } from './line.ts'
import type { FollowerCalls, OwnerCalls, ThreadStart } from './messages.ts'

/** `opening`: it serves nobody yet, and may fail alone. */
type State = 'opening' | 'serving' | 'leaving' | 'closing' | 'ended'

export interface Follower {
  readonly worker: Worker
  readonly line: Line<FollowerCalls>
  readonly lease: string
  state: State
  /** Rejects when it fails while it opens. */
  readonly failed: Promise<never>
  /** In its life, once it has ended. */
  counted: readonly Metric[]
}

/** The lives of the threads that follow: how they come, go and end. */
export interface Followers {
  /** Those that come, serve or leave: all that have to be told what changes. */
  readonly list: readonly Follower[]
  readonly servers: () => readonly Follower[]
  /** One that has ended answers nothing, and nobody is served by it any more: then it is what `ended` says. */
  readonly ask: <Name extends keyof FollowerCalls, Else>(
    follower: Follower,
    name: Name,
    asked: FollowerCalls[Name]['asked'],
    ended: () => Else | Promise<Else>,
  ) => Promise<FollowerCalls[Name]['answered'] | Else>
  readonly all: <Name extends keyof FollowerCalls>(
    name: Name,
    asked: FollowerCalls[Name]['asked'],
  ) => Promise<readonly (FollowerCalls[Name]['answered'] | undefined)[]>
  /** Those that were begun with. */
  readonly open: (serviceRootKeyCrn: string) => Promise<void>
  readonly listen: (address: Address) => Promise<void>
  readonly more: () => Promise<void>
  readonly fewer: () => void
  /** What those counted that are gone. */
  readonly gone: () => readonly Metric[]
  readonly drain: (graceMs: number) => Promise<void>
  readonly isClosing: () => boolean
  /** Resolves when all have ended. */
  readonly closed: Promise<void>
  readonly close: () => Promise<void>
}

export interface FollowersOptions {
  readonly count: number
  readonly workerData: ThreadStart
  readonly handlers: Handlers<OwnerCalls>
  readonly onFailure: (error: Error) => void
  readonly onError: (error: unknown) => void
}

export function startFollowers({ count, workerData, handlers, onFailure, onError }: FollowersOptions): Followers {
  const list: Follower[] = []
  /** Threads that come or go. */
  const changes = new Set<Promise<unknown>>()
  const closed = Promise.withResolvers<void>()
  let crn: string | undefined
  let address: Address | undefined
  let isDraining = false
  let isClosing = false
  let gone: readonly Metric[] = []

  const ask: Followers['ask'] = async (follower, name, asked, ended) => {
    try {
      return await follower.line.ask(name, asked)
    } catch (error) {
      if (follower.state === 'ended') return ended()
      throw error
    }
  }
  const all: Followers['all'] = (name, asked) =>
    Promise.all(list.map((follower) => ask(follower, name, asked, () => undefined)))
  const servers = (): Follower[] => list.filter(({ state }) => state === 'serving')

  const start = (): Follower => {
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
    const at = list.indexOf(follower)
    if (at >= 0) list.splice(at, 1)
    line.end(new Error('the serving thread has ended'))
    await worker.terminate()
  }

  /** Resolves when it could serve. From its start on it is told of what changes, and its lease is left alone. */
  const open = async (follower: Follower): Promise<void> => {
    const { line, lease, failed } = follower
    if (crn === undefined) throw new Error('the thread that owns the stores is not open yet')
    list.push(follower)
    try {
      await Promise.race([line.ask('open', { serviceRootKeyCrn: crn, lease }), failed])
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
    const leaving = list.find(({ state }) => state === 'leaving')
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

  // Their code is loaded while the owner opens the stores.
  const started = Array.from({ length: count }, start)
  let closing: Promise<void> | undefined
  const close = async (): Promise<void> => {
    await Promise.allSettled(changes)
    isClosing = true
    try {
      await all('close', undefined)
    } finally {
      await Promise.all([...new Set([...started, ...list])].map(end))
      closed.resolve()
    }
  }

  return {
    ...{ list, servers, ask, all },
    open: async (serviceRootKeyCrn) => {
      crn = serviceRootKeyCrn
      await Promise.all(started.map(open))
      for (const follower of started) follower.state = 'serving'
    },
    listen: async (given) => {
      address = given
      // One after the other, for what each does when its start is over.
      for (const follower of list) await listen(follower, true)
    },
    more: () => during(join()),
    fewer: () => {
      const follower = servers().at(-1)
      if (follower) leave(follower).catch(onFailure)
    },
    gone: () => gone,
    drain: async (graceMs) => {
      isDraining = true
      await all('drain', graceMs)
    },
    isClosing: () => isClosing,
    closed: closed.promise,
    close: () => {
      closing ??= close()
      return closing
    },
  }
}
