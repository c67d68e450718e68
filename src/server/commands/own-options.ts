import { type Arguments, parseCommand, usageError } from './command.ts'

/** Options of a command that takes the settings of the server besides: `rest` are those. Throws UsageError. */
export function ownOptions(
  args: readonly string[],
  options: readonly string[],
  flags: readonly string[],
): Pick<Arguments, 'options' | 'flags'> & { readonly rest: readonly string[] } {
  const own: string[] = []
  const rest: string[] = []
  for (let at = 0; at < args.length; at++) {
    const arg = args[at] ?? ''
    const name = /^--([^=]+)/.exec(arg)?.[1] ?? ''
    if (flags.includes(name)) own.push(arg)
    else if (!options.includes(name)) rest.push(arg)
    else if (arg.includes('=')) own.push(arg)
    else {
      const value = args[++at]
      if (value === undefined) throw usageError(`--${name} takes a value`)
      own.push(`${arg}=${value}`)
    }
  }
  return { ...parseCommand(own, options, flags), rest }
}
