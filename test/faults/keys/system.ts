import { CodedError, hasCode } from '../../../src/base/errors.ts'
import type { KmsCaller } from '../../../src/kms/door.ts'
import { memoryStore } from '../../../src/storage/metadata/memory-store.ts'
import type { MetadataStore, MetadataStoreErrorCode } from '../../../src/storage/metadata/metadata-store.ts'
import { type KmsWorld, kmsWorld, OTHER_MANAGER, PURGER } from '../../support/kms-world.ts'

/** What happens to a commit that is to come: it is lost before or after it took place, for its caller or with the process. */
export interface Fault {
  readonly kind: 'unknown' | 'crash'
  readonly took: 'before' | 'after'
  /** The first commit is 0. */
  readonly commit: number
}

export interface Attempt {
  /** `done`, the code of a refusal, or `crashed`. */
  readonly outcome: string
  /** The fault that was met. */
  readonly met: Fault | undefined
}

/** A key management service over a store that outlives it. */
export interface KeySystem {
  readonly world: () => KmsWorld
  /** The two users who act. */
  readonly callers: () => readonly [KmsCaller, KmsCaller]
  /** A third, who may purge. */
  readonly purger: () => KmsCaller
  readonly attempt: (act: () => Promise<unknown>, fault?: Fault) => Promise<Attempt>
  /** In memory nothing is left: of a process that crashed, or that was told to stop. */
  readonly restart: (orderly: boolean) => Promise<void>
  readonly now: () => number
  readonly passTime: (ms: number) => void
}

export async function keySystem(): Promise<KeySystem> {
  const clock = { time: Date.UTC(2030, 0, 1) }
  const inner = memoryStore()
  let armed: Fault | undefined
  let met: Fault | undefined
  let commits = 0
  let crashed: (() => void) | undefined

  /** The store as one process sees it. */
  const store = (): MetadataStore => ({
    ...inner,
    commit: async (writes) => {
      const fault = armed?.commit === commits++ ? armed : undefined
      if (!fault) return inner.commit(writes)
      met = fault
      if (fault.took === 'after') await inner.commit(writes)
      if (fault.kind === 'unknown') throw new CodedError<MetadataStoreErrorCode>('CommitUnknown', 'made by the test')
      crashed?.()
      return new Promise(() => {})
    },
  })
  const start = () => kmsWorld({ store: store(), clock })
  let world = await start()

  return {
    world: () => world,
    callers: () => [world.caller, { ...world.caller, principal: OTHER_MANAGER }],
    purger: () => ({ ...world.caller, principal: PURGER }),
    attempt: async (act, fault) => {
      armed = fault
      met = undefined
      commits = 0
      const crash = new Promise<string>((resolve) => {
        crashed = () => resolve('crashed')
      })
      const ended = act().then(() => 'done', codeOf)
      const outcome = await Promise.race([ended, crash])
      armed = undefined
      return { outcome, met }
    },
    restart: async (orderly) => {
      if (orderly) world.kms.close()
      world = await start()
    },
    now: () => clock.time,
    passTime: (ms) => {
      clock.time += ms
    },
  }
}

/** Only refusals have codes: anything else is a fault of the service. */
export function codeOf(error: unknown): string {
  if (hasCode(error)) return error.code
  throw error
}
