import type { Streams } from './command.ts'

/** One that is not `serve`. Resolves to the exit status; prints what went wrong itself. */
export interface Command {
  /** What follows its name, on one line of the help. */
  readonly usage: string
  readonly run: (args: readonly string[], streams: Streams) => Promise<number>
}

/** By the first word after `coffer`. Each is loaded when it is called: a server that starts carries none of them. */
export const COMMANDS: ReadonlyMap<string, Command> = new Map<string, Command>([
  [
    'audit',
    {
      usage: 'verify | export | public-key',
      run: async (...call) => (await import('./audit.ts')).auditCommand(...call),
    },
  ],
  [
    'decrypt',
    {
      usage: 'list | get | wrapped',
      run: async (...call) => (await import('../../decrypt/command.ts')).decryptCommand(...call),
    },
  ],
  [
    'verify',
    {
      usage: '[--without-keys] [--json] [settings]',
      run: async (...call) => (await import('./verify.ts')).verifyCommand(...call),
    },
  ],
  [
    'salvage',
    {
      usage: '--to <directory> [--json] [settings]',
      run: async (...call) => (await import('./salvage.ts')).salvageCommand(...call),
    },
  ],
  [
    'backup',
    {
      usage: '<repository> | verify | list | prune',
      run: async (...call) => (await import('./backup.ts')).backupCommand(...call),
    },
  ],
  [
    'doctor',
    {
      usage: '[--json] [settings]',
      run: async (...call) => (await import('./doctor.ts')).doctorCommand(...call),
    },
  ],
  ['keys', { usage: 'backup | restore', run: async (...call) => (await import('./keys.ts')).keysCommand(...call) }],
  [
    'restore',
    { usage: '<repository>', run: async (...call) => (await import('./restore.ts')).restoreCommand(...call) },
  ],
  [
    'prove',
    {
      usage: 'DIR | verify',
      run: async (...call) => (await import('../../prove/command.ts')).proveCommand(...call),
    },
  ],
])
