import type { KeyProvider } from '../../../src/envelope/key-provider.ts'
import { type Objects, openObjects } from '../../../src/objects/objects.ts'
import { memoryStore } from '../../../src/storage/metadata/memory-store.ts'
import type { MetadataStore } from '../../../src/storage/metadata/metadata-store.ts'
import { openNonceSource } from '../../../src/storage/metadata/nonce-source.ts'
import type { Life } from './schedule.ts'
import { type Disk, simulatedBlobs, simulatedMetadata, simulatedProvider, type World } from './stores.ts'

export interface Running {
  readonly life: Life
  readonly objects: Objects
  readonly killed: Promise<void>
}

/** The engine's process: killed, stopped and started again over the same disk and metadata. */
export interface Process {
  readonly disk: Disk
  readonly stored: MetadataStore
  readonly now: () => number
  readonly current: () => Running | undefined
  /** Waits until one runs. */
  readonly running: () => Promise<Running>
  readonly kill: () => void
  /** In good order, but with requests under way. */
  readonly stop: () => void
  readonly passTime: (ms: number) => void
}

/** Failures of the work behind the scenes that the faults explain. */
const EXPECTED = ['CommitUnknown', 'BlobStoreFailed']
/** S3 has 5 MiB. */
const MIN_PART_BYTES = 32

export const codeOf = (error: unknown): string =>
  typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : `no code: ${String(error)}`

/** In a row: a start takes many steps, and each may be the last. */
const MAX_KILLED_STARTS = 30

export function simulatedProcess(world: World, provider: KeyProvider, wrong: (text: string) => void): Process {
  const disk: Disk = new Map()
  const stored = memoryStore()
  const client: Life = { dead: false }
  let timeMs = 1_700_000_000_000
  let lives = 0
  let running: Running | undefined
  let life: Life = { dead: true }
  let killNow: () => void = () => {}
  let stopping = false
  let killedStarts = 0
  let nonces: Promise<unknown> = Promise.resolve()

  const start = async (): Promise<void> => {
    for (;;) {
      const mine: Life = { dead: false }
      life = mine
      const killed = new Promise<void>((resolve) => {
        killNow = resolve
      })
      const lease = (++lives).toString(16).padStart(16, '0')
      // One process after the other has the directory.
      const opened = nonces.then(() => world.schedule.work(() => openNonceSource(stored)))
      nonces = opened
      try {
        const objects = await openObjects({
          metadata: simulatedMetadata(stored, mine, world),
          blobs: simulatedBlobs(disk, lease, mine, world),
          provider: simulatedProvider(provider, mine, world),
          nonces: await opened,
          // No two events at the same time.
          clock: { now: () => timeMs++ },
          minPartBytes: MIN_PART_BYTES,
          // Tried again at the next start, or when somebody asks.
          rewrap: { perSecond: 0, retryMs: 2 ** 30, automatic: true },
          onBackgroundError: (error) => {
            if (!EXPECTED.includes(codeOf(error))) wrong(`behind the scenes: ${codeOf(error)}`)
          },
        })
        running = { life: mine, objects, killed }
        killedStarts = 0
        return
      } catch (error) {
        if (!EXPECTED.includes(codeOf(error))) wrong(`at the start: ${codeOf(error)}`)
        mine.dead = true
      }
    }
  }
  const end = (): void => {
    life.dead = true
    running = undefined
    stopping = false
    killNow()
    void start()
  }
  void start()

  return {
    disk,
    stored,
    now: () => timeMs,
    current: () => running,
    running: async () => {
      for (;;) {
        await world.schedule.step(client, 'client')
        if (running && !stopping) return running
      }
    },
    kill: () => {
      if (!running && ++killedStarts > MAX_KILLED_STARTS) return
      end()
    },
    stop: () => {
      if (!running || stopping) return
      stopping = true
      const stopped = running
      const ended = (): void => {
        if (!stopped.life.dead) end()
      }
      void stopped.objects.close().then(ended, ended)
    },
    passTime: (ms) => {
      timeMs += ms
    },
  }
}
