import { parseArgs } from 'node:util'
import { CodedError } from '../../base/errors.ts'
import { nearest } from '../../base/nearest.ts'

export interface Streams {
  readonly out: NodeJS.WritableStream
  readonly err: NodeJS.WritableStream
}

export type CommandErrorCode = 'UsageError'

export const usageError = (message: string): CodedError<CommandErrorCode> => new CodedError('UsageError', message)

export interface Arguments {
  readonly positionals: readonly string[]
  readonly options: Readonly<Record<string, string>>
  readonly flags: ReadonlySet<string>
}

/** Options take a value, flags don't; whatever else begins with a dash is refused. Throws UsageError. */
export function parseCommand(args: readonly string[], options: readonly string[], flags: readonly string[]): Arguments {
  const types = [
    ...options.map((name) => [name, { type: 'string' }] as const),
    ...flags.map((name) => [name, { type: 'boolean' }] as const),
  ]
  try {
    const parsed = parseArgs({ args: [...args], options: Object.fromEntries(types), allowPositionals: true })
    const values = Object.entries(parsed.values)
    return {
      positionals: parsed.positionals,
      options: Object.fromEntries(
        values.flatMap(([name, value]) => (typeof value === 'string' ? [[name, value]] : [])),
      ),
      flags: new Set(values.flatMap(([name, value]) => (value === true ? [name] : []))),
    }
  } catch (error) {
    throw usageError(misread(error, [...options, ...flags]))
  }
}

/** Node's words say what is wrong; what it goes on with is of no use to who called a command. */
function misread(error: unknown, known: readonly string[]): string {
  const message = error instanceof Error ? error.message : 'the arguments cannot be read'
  const unknown = /^Unknown option '--?([^']+)'/.exec(message)?.[1]
  if (unknown === undefined) return message
  const near = nearest(unknown, known, 2)
  if (near !== undefined) return `there is no option --${unknown}; did you mean --${near}?`
  const all = known.map((name) => `--${name}`).join(', ')
  return `there is no option --${unknown} here${all === '' ? '' : `, only ${all}`}`
}
