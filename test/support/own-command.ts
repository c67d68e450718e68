import { PassThrough } from 'node:stream'
import { COMMANDS } from '../../src/server/commands/index.ts'
import { type CommandResult, complaints } from './coffer-command.ts'

/**
 * `coffer …` in this process, with these settings: as runCommand, without the time that a process takes to begin, and without
 * lines of progress.
 */
export async function ownCommand(
  [name = '', ...args]: readonly string[],
  settings: Readonly<Record<string, string>> = {},
): Promise<CommandResult> {
  const command = COMMANDS.get(name)
  if (!command) throw new Error(`there is no command ${name}`)
  const flags = Object.entries(settings).map(([of, value]) => `--${flagOf(of)}=${value}`)
  const [out, err] = [new PassThrough({ encoding: 'utf8' }), new PassThrough({ encoding: 'utf8' })]
  const texts = [out, err].map(async (stream) => (await stream.toArray()).join(''))
  const status = await command.run([...args, ...flags], { out, err })
  out.end()
  err.end()
  const [told = '', complained = ''] = await Promise.all(texts)
  return { status, out: told, err: complaints(complained) }
}

/** `COFFER_DATA_DIR` → `data-dir`. */
const flagOf = (setting: string): string => setting.replace('COFFER_', '').toLowerCase().replaceAll('_', '-')
