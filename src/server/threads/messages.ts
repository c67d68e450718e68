import type { MessagePort } from 'node:worker_threads'
import type { KeyCall, Registration } from '../../envelope/key-provider.ts'
import type { WrapUse } from '../../envelope/wrap-budget.ts'
import type { Permits } from '../../iam/policy-book.ts'
import type { Metric } from '../../observe/metrics.ts'
import type { ChangedRow } from '../../storage/metadata/changed-row.ts'
import type { Address } from '../settings.ts'
import type { StoreName } from '../stores.ts'
import type { Failure } from './line.ts'
import type { SharedMemory } from './shared-memory.ts'
import type { ThreadLoad } from './thread-load.ts'

interface Call<Asked, Answered = void> {
  readonly asked: Asked
  readonly answered: Answered
}

/** What became of a commit. */
export type CommitOutcome = boolean | Failure

/** What a following thread asks of the one that owns the stores. */
export interface OwnerCalls {
  /** `bytes`: as write-codec.ts has it. */
  readonly commit: Call<{ readonly store: StoreName; readonly bytes: ArrayBuffer }, readonly CommitOutcome[]>
  /** JSON of a list of audit events. */
  readonly audit: Call<string>
  readonly auditSettled: Call<undefined>
  readonly wrapsReserved: Call<{ readonly crn: string; readonly keyVersion: string }, number>
  readonly reserveWraps: Call<{ readonly crn: string; readonly keyVersion: string; readonly wraps: number }, number>
  readonly wrapBudget: Call<{ readonly state: 'near' | 'spent'; readonly use: WrapUse }>
  readonly accountRootKey: Call<string, string>
  readonly register: Call<{ readonly call: KeyCall; readonly registration: Registration }>
  readonly deregister: Call<{ readonly call: KeyCall; readonly registration: Registration }>
  readonly keyChanged: Call<string>
  readonly outdated: Call<{ readonly bucketId: string; readonly rootKeyCrn: string; readonly keyVersion: string }>
  readonly recount: Call<undefined>
  /** Something is not read any more that waits to be removed. */
  readonly released: Call<undefined>
  readonly accessLine: Call<{ readonly bucketId: string; readonly line: string; readonly timeMs: number }>
  /** How often policies decided there since the last time. */
  readonly permits: Call<ReadonlyMap<string, Permits>>
  /** A connection of which the thread hands on the one request that it carries. */
  readonly handOver: Call<HandedOver>
  readonly storeFailed: Call<Failure>
}

export interface HandedOver {
  readonly port: MessagePort
  readonly remoteAddress: string | undefined
  readonly remotePort: number | undefined
  readonly secure: boolean
}

/** What the thread that owns the stores asks of one that follows. */
export interface FollowerCalls {
  /** Resolves when it could serve. It writes blobs under this lease. */
  readonly open: Call<{ readonly serviceRootKeyCrn: string; readonly lease: string }>
  /** `isStart`: of the process; what was left behind by opening is given back then. Also for a thread that is leaving. */
  readonly listen: Call<Address & { readonly isStart: boolean }>
  /** No more connections. True: none is left; false: it was told to listen again. */
  readonly leave: Call<undefined, boolean>
  readonly load: Call<undefined, ThreadLoad>
  /** So many connections are to end with their next answer. */
  readonly endConnections: Call<number>
  /** Resolves when it has taken them in. */
  readonly rows: Call<{ readonly store: StoreName; readonly rows: readonly ChangedRow[] }>
  readonly lookedUp: Call<undefined>
  /** Blobs of its lease; resolves to those that could not be removed. */
  readonly remove: Call<readonly string[], readonly string[]>
  /** Blobs that are removed. */
  readonly letGo: Call<readonly string[]>
  readonly doubt: Call<string>
  readonly lookAtCertificate: Call<undefined>
  readonly metrics: Call<undefined, readonly Metric[]>
  readonly drain: Call<number>
  /** What it has counted at last. */
  readonly close: Call<undefined, readonly Metric[]>
}

/** What a thread is started with. */
export interface ThreadStart {
  readonly flags: readonly string[]
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly memory: SharedMemory
}
