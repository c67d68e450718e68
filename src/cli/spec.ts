import type { Ending } from '../base/exit-status.ts'
import type { Call } from './call.ts'
import type { DescribedCommand } from './described.ts'

export interface CommandSpec extends DescribedCommand {
  /** What it ended with, `done` by default. */
  readonly run: (call: Call) => Promise<Ending | undefined>
}

export interface NounEntry {
  readonly noun: string
  readonly group: 'Store' | 'Data' | 'Keys' | 'Access' | 'Operate' | 'Connection'
  readonly summary: string
  readonly load: () => Promise<{ readonly COMMANDS: readonly CommandSpec[] }>
}
