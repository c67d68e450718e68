import type { DescribedNoun } from './described.ts'
import type { Environment } from './environment.ts'
import type { Given } from './given.ts'
import type { Output } from './output.ts'
import type { Progress } from './progress.ts'
import type { Server } from './server.ts'
import type { Streams } from './streams.ts'

/** What a command has to do its work with. */
export interface Call extends Given {
  /** As it was called: `coffer bucket create`. */
  readonly line: string
  readonly out: Output
  readonly streams: Streams
  readonly environment: Environment
  /** Every noun that there is. */
  readonly nouns: readonly DescribedNoun[]
  /** Of the profile that was asked for, if any. */
  readonly profile: string | undefined
  /** Nothing is asked of it before it is used. */
  readonly server: () => Promise<Server>
  /** Ends with the command. */
  readonly progress: () => Progress
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal
  /** What is told when it fails: `create bucket invoices`. */
  readonly doing: (what: string) => void
  /** Done when the command ends, however it does; `by` is the command that does it by hand. */
  readonly atEnd: (by: string, work: () => Promise<void>) => void
  /** The bucket that it is about, so that what keeps it from being read can be told. */
  readonly about: (bucket: string) => void
}
