import type { MessagePort } from 'node:worker_threads'
import { createLogger } from '../../observe/logger.ts'
import type { ChangedRow } from '../../storage/metadata/changed-row.ts'
import { readConfig } from '../config.ts'
import type { StoreName } from '../stores.ts'
import { type FollowerHouse, openFollowerHouse } from './follower-house.ts'
import { failureOf, type Line, openLine } from './line.ts'
import type { FollowerCalls, OwnerCalls, ThreadStart } from './messages.ts'

interface Told {
  readonly store: StoreName
  readonly rows: readonly ChangedRow[]
}

/** The life of a serving thread that follows the one which owns the stores. */
export function follow({ flags, environment, memory }: ThreadStart, port: MessagePort): void {
  const config = readConfig(flags, environment)
  const log = createLogger(config['log.level'])
  let house: FollowerHouse | undefined
  /** What changed while the stores were being read. */
  let missed: Told[] = []
  let doubted: string[] = []
  let following: Promise<void> = Promise.resolve()
  let isClosing = false

  const opened = (): FollowerHouse => {
    if (!house) throw new Error('the serving thread is not open yet')
    return house
  }
  const takeIn = (told: Told): Promise<void> => {
    following = following.then(() => opened().follow(told.store, told.rows))
    return following
  }

  const line: Line<OwnerCalls> = openLine<FollowerCalls, OwnerCalls>(
    port,
    {
      open: async ({ serviceRootKeyCrn, lease }) => {
        const failed = (error: Error): void => line.tell('storeFailed', failureOf(error))
        house = await openFollowerHouse({ config, log, line, memory, lease, serviceRootKeyCrn, onStoreFailure: failed })
        // More may change meanwhile, and is taken in behind these.
        const late = missed
        missed = []
        for (const rootKeyCrn of doubted) house.doubt(rootKeyCrn)
        doubted = []
        await Promise.all(late.map(takeIn))
      },
      listen: (address) => opened().listen(address),
      leave: () => opened().leave(),
      load: () => opened().load(),
      endConnections: (count) => house?.endConnections(count),
      rows: ({ store, rows }) => {
        const told = { store, rows: rows.map((row) => ({ ...row, key: Buffer.from(row.key) })) }
        // It serves nobody yet.
        if (isClosing) return
        if (!house) return void missed.push(told)
        return takeIn(told)
      },
      // What is not open yet has looked nothing up.
      lookedUp: () => (isClosing ? undefined : house?.lookedUp()),
      remove: async (ids) => (isClosing ? ids : opened().remove(ids)),
      letGo: (ids) => {
        if (!isClosing) house?.letGo(ids)
      },
      doubt: (rootKeyCrn) => (house ? house.doubt(rootKeyCrn) : void doubted.push(rootKeyCrn)),
      lookAtCertificate: () => house?.lookAtCertificate(),
      metrics: () => house?.metrics() ?? [],
      drain: (graceMs) => house?.drain(graceMs),
      close: async () => {
        isClosing = true
        await following
        await house?.close()
        return house?.metrics() ?? []
      },
    },
    (err) => log.error({ err }, 'a serving thread could not do what it was told'),
  )
}
