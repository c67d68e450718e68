import { EXIT } from '../../base/exit-status.ts'
import { NOUNS } from '../../cli/commands/index.ts'
import type { ListedCommand } from '../../cli/help-command.ts'
import type { Streams } from './command.ts'

export type Command = ListedCommand

/** Partly of a store on its own machine, partly of clients. */
const BOTH = ['audit', 'provider', 'verify']

const tellVersion: Command['run'] = async (args, { out }) => {
  const { VERSION } = await import('../version.ts')
  out.write(
    args.includes('--json') ? `${JSON.stringify({ type: 'result', version: VERSION })}\n` : `coffer ${VERSION}\n`,
  )
  return EXIT.done
}

/** By the first word after `coffer`. Each is loaded when it is called: a server that starts carries none of them. */
export const COMMANDS: ReadonlyMap<string, Command> = new Map<string, Command>([
  [
    'serve',
    {
      local: { summary: 'runs the store: S3 on :9000, console, Key Protect and IAM on :9001', verbs: '' },
      run: async (args) => (await import('../run.ts')).run(args),
    },
  ],
  [
    'init',
    {
      local: { summary: 'makes a store and prints its credentials once', verbs: '' },
      run: async (...call) => (await import('./init.ts')).initCommand(...call),
    },
  ],
  [
    'config',
    {
      local: { summary: 'settings of a server', verbs: 'show, explain, validate, example' },
      run: async (...call) => (await import('./config.ts')).configCommand(...call),
    },
  ],
  [
    'audit',
    {
      local: {
        summary: 'verification of the log of every use of keys and every change of rights',
        verbs: 'verify, export, public-key',
      },
      run: async (args, streams) => {
        const { clientCommand } = await import('../../cli/main.ts')
        if (isOfServer(args)) return clientCommand('audit', args, streams)
        const status = await (await import('./audit.ts')).auditCommand(args, streams)
        if (args[0] !== '--help') return status
        if (!args.includes('--json')) streams.out.write('\n')
        return clientCommand('audit', args, streams)
      },
    },
  ],
  [
    'decrypt',
    {
      local: { summary: 'objects out of a data directory, by its formats alone', verbs: 'list, get, wrapped' },
      run: async (...call) => (await import('../../decrypt/command.ts')).decryptCommand(...call),
    },
  ],
  [
    'verify',
    {
      local: { summary: 'looks for damage in the data directory of a stopped server', verbs: '' },
      run: async (args, streams) =>
        args[0]?.startsWith('-') === false
          ? (await import('../../cli/main.ts')).clientCommand('verify', args, streams)
          : (await import('./verify.ts')).verifyCommand(args, streams),
    },
  ],
  [
    'salvage',
    {
      local: { summary: 'a new data directory of what can be read of a damaged one', verbs: '' },
      run: async (...call) => (await import('./salvage.ts')).salvageCommand(...call),
    },
  ],
  [
    'backup',
    {
      local: { summary: 'consistent, incremental copies of a store', verbs: 'create, ls, verify, prune' },
      run: async (...call) => (await import('./backup.ts')).backupCommand(...call),
    },
  ],
  [
    'doctor',
    {
      local: { summary: 'says what is wrong with a deployment, and what mends it', verbs: '' },
      run: async (args, streams) =>
        (await import('./doctor.ts')).doctorCommand(args, streams, async () =>
          (await import('../../cli/doctor/online.ts')).askOnline(),
        ),
    },
  ],
  [
    'provider',
    {
      local: { summary: 'key services elsewhere, in the settings of a server', verbs: 'add, rm' },
      run: async (args, streams) =>
        args[0] === 'add' || args[0] === 'rm'
          ? (await import('./provider.ts')).providerCommand(args, streams)
          : (await import('../../cli/main.ts')).clientCommand('provider', args, streams),
    },
  ],
  [
    'keys',
    {
      local: { summary: 'a bundle of the instance key and the root keys', verbs: 'backup, restore' },
      run: async (...call) => (await import('./keys.ts')).keysCommand(...call),
    },
  ],
  [
    'restore',
    {
      local: { summary: 'puts a backup back', verbs: '' },
      run: async (...call) => (await import('./restore.ts')).restoreCommand(...call),
    },
  ],
  [
    'prove',
    {
      local: { summary: 'shows that a data directory holds nothing but ciphertext', verbs: 'verify' },
      run: async (...call) => (await import('../../prove/command.ts')).proveCommand(...call),
    },
  ],
  [
    'help',
    {
      local: {
        summary: 'of a command or a topic',
        verbs: 'exit-codes, environment, output, references',
        group: 'Connection',
      },
      run: async (...call) => (await import('../../cli/help-command.ts')).helpCommand(COMMANDS, ...call),
    },
  ],
  ['--help', { run: async (...call) => (await import('../../cli/help-command.ts')).helpCommand(COMMANDS, ...call) }],
  ['-h', { run: async (...call) => (await import('../../cli/help-command.ts')).helpCommand(COMMANDS, ...call) }],
  ...['--version', '-V', '-v'].map((name): readonly [string, Command] => [name, { run: tellVersion }]),
  // Clients of a server, by HTTP like anybody else.
  ...NOUNS.filter(({ noun }) => !BOTH.includes(noun)).map(({ noun }): readonly [string, Command] => [
    noun,
    { run: async (...call) => (await import('../../cli/main.ts')).clientCommand(noun, ...call) },
  ]),
])

/** `coffer audit --follow`: the log as a running server tells it. */
const isOfServer = ([first]: readonly string[]): boolean => first?.startsWith('--') === true && first !== '--help'

export const unknownCommand = async (words: readonly string[], streams: Streams): Promise<number> =>
  (await import('../../cli/help-command.ts')).unknownCommand(COMMANDS, words, streams)
