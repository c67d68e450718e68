import { processEnvironment, readConfig } from '../config.ts'
import type { Config } from '../settings.ts'
import type { Arguments } from './command.ts'
import { ownOptions } from './own-options.ts'

export interface ArgumentsAndSettings extends Arguments {
  readonly config: Config
}

/**
 * For a command that takes words, and the settings of the server, beside options and flags of its own. Throws UsageError,
 * ConfigInvalid.
 */
export function parseWithSettings(
  args: readonly string[],
  options: readonly string[],
  flags: readonly string[],
): ArgumentsAndSettings {
  const { rest, ...own } = ownOptions(args, options, flags)
  const positionals: string[] = []
  const settings: string[] = []
  for (let at = 0; at < rest.length; at++) {
    const arg = rest[at] ?? ''
    const to = arg.startsWith('--') ? settings : positionals
    to.push(arg)
    // Each setting has a value.
    const value = rest[at + 1]
    if (to === positionals || arg.includes('=') || value === undefined) continue
    settings.push(value)
    at++
  }
  return { ...own, positionals, config: readConfig(settings, processEnvironment()) }
}
