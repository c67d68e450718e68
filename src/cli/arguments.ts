import { parseArgs } from 'node:util'
import { nearest } from '../base/nearest.ts'
import { type DescribedCommand, GLOBAL_OPTIONS, type OptionSpec, optionsOf } from './described.ts'
import { type CommandFailure, usage } from './failure.ts'
import type { Given } from './given.ts'

const SHORT: Readonly<Record<string, string>> = { help: 'h', quiet: 'q' }

/** Throws Usage. `line` is the command as it is called: `coffer bucket create`. */
export function readArguments(spec: DescribedCommand, words: readonly string[], line: string): Given {
  const options = { ...GLOBAL_OPTIONS, ...optionsOf(spec) }
  const { values, positionals } = parse(options, words, line)
  const placed = place(spec, positionals, line)
  const declared = (name: string): OptionSpec => {
    const option = options[name]
    if (option === undefined) throw new Error(`${line} declares no option ${name}`)
    return option
  }
  const texts = (name: string): readonly string[] => {
    declared(name)
    const value = values[name]
    const all = Array.isArray(value) ? value : [value]
    return all.filter((one) => typeof one === 'string')
  }
  for (const [name, { choices }] of Object.entries(options)) {
    const wrong = choices && texts(name).find((value) => !choices.includes(value))
    if (wrong !== undefined) throw usage(`--${name} takes ${choices?.join(', ')}, and not ${wrong}`)
  }
  const text = (name: string): string | undefined => texts(name).at(-1)
  return {
    argument: (name) => {
      const [value] = placed.get(name) ?? []
      if (value === undefined) throw new Error(`${line} declares no argument ${name}`)
      return value
    },
    maybe: (name) => placed.get(name)?.[0],
    arguments: (name) => placed.get(name) ?? [],
    flag: (name) => {
      declared(name)
      return values[name] === true
    },
    text,
    texts,
    count: (name) => countOf(name, text(name)),
  }
}

function countOf(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  if (!/^\d{1,12}$/.test(text)) throw usage(`--${name} takes a whole number, and not ${text}`)
  return Number(text)
}

function parse(options: Readonly<Record<string, OptionSpec>>, words: readonly string[], line: string) {
  const config = Object.fromEntries(
    Object.entries(options).map(([name, { value, many }]) => {
      const short = SHORT[name]
      const type = value === undefined ? ('boolean' as const) : ('string' as const)
      return [name, { type, multiple: many === true, ...(short === undefined ? {} : { short }) }]
    }),
  )
  try {
    return parseArgs({ args: [...words], options: config, allowPositionals: true })
  } catch (error) {
    throw misread(error, Object.keys(options), line)
  }
}

/** Node's words say what is wrong; what was meant is said beside them. */
function misread(error: unknown, known: readonly string[], line: string): CommandFailure {
  const message = error instanceof Error ? error.message : 'the arguments cannot be read'
  const unknown = /^Unknown option '--?([^']+)'/.exec(message)?.[1]
  if (unknown === undefined) return usage(lowered(message), `${line} --help`)
  const near = probablyMeant(unknown, known)
  return usage(
    `there is no option --${unknown}${near === undefined ? '' : `; did you mean --${near}?`}`,
    `${line} --help`,
  )
}

const lowered = (text: string): string => text.charAt(0).toLowerCase() + text.slice(1)

function place(
  spec: DescribedCommand,
  positionals: readonly string[],
  line: string,
): ReadonlyMap<string, readonly string[]> {
  const placed = new Map<string, readonly string[]>()
  let rest = positionals
  const wanted = spec.arguments ?? []
  for (const [index, { name, optional, many }] of wanted.entries()) {
    // What follows one that takes many has its own: `cp SOURCE… DESTINATION`.
    const kept = wanted.slice(index + 1).filter((later) => later.optional !== true).length
    const taken = many ? rest.slice(0, Math.max(rest.length - kept, 0)) : rest.slice(0, 1)
    if (taken.length === 0 && optional !== true) throw usage(`<${name}> is missing`, `${line} --help`)
    if (taken.length > 0) placed.set(name, taken)
    rest = rest.slice(taken.length)
  }
  if (rest.length > 0) throw usage(`${rest[0]} is more than it takes`, `${line} --help`)
  return placed
}

/** Of commands and options. */
export const probablyMeant = (word: string, known: readonly string[]): string | undefined => nearest(word, known, 2)
