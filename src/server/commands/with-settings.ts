import { processEnvironment, readConfig } from '../config.ts'
import type { Config } from '../settings.ts'
import { type Arguments, parseCommand } from './command.ts'

export interface ArgumentsAndSettings extends Arguments {
  readonly config: Config
}

/**
 * For a command that takes the settings of the server beside options and flags of its own. Throws UsageError, ConfigInvalid.
 */
export function parseWithSettings(
  args: readonly string[],
  options: readonly string[],
  flags: readonly string[],
): ArgumentsAndSettings {
  const own: string[] = []
  const settings: string[] = []
  for (let at = 0; at < args.length; at++) {
    const arg = args[at] ?? ''
    const name = arg.replace(/^--/, '').split('=')[0] ?? ''
    const isOwn = !arg.startsWith('--') || options.includes(name) || flags.includes(name)
    const to = isOwn ? own : settings
    to.push(arg)
    // The next one is its value: a flag has none, nor has what is no option at all.
    const takesNext = arg.startsWith('--') && !arg.includes('=') && !flags.includes(name)
    const next = args[at + 1]
    if (takesNext && next !== undefined) {
      to.push(next)
      at++
    }
  }
  return { ...parseCommand(own, options, flags), config: readConfig(settings, processEnvironment()) }
}
