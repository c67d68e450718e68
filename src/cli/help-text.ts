import { GLOBAL_OPTIONS, type OptionSpec, optionsOf } from './described.ts'
import type { CommandSpec, NounEntry } from './spec.ts'

const WIDTH = 100

/** `<name> [<key>] [options]` */
export function usageOf(spec: CommandSpec): string {
  const words = (spec.arguments ?? []).map(({ name, optional, many }) => {
    const word = `<${name}>${many ? '…' : ''}`
    return optional ? `[${word}]` : word
  })
  return [...words, Object.keys(optionsOf(spec)).length > 0 ? '[options]' : ''].filter(Boolean).join(' ')
}

export const lineOf = (noun: string, spec: CommandSpec): string => ['coffer', noun, spec.name].filter(Boolean).join(' ')

export function commandHelp(noun: string, spec: CommandSpec): string {
  const line = lineOf(noun, spec)
  const named = (spec.arguments ?? []).map(({ name, help }) => [`<${name}>`, help] as const)
  return sections([
    [wrapped([spec.summary, ...(spec.about === undefined ? [] : [spec.about])].join(' '), '')],
    [`Usage: ${line} ${usageOf(spec)}`.trimEnd()],
    rows(named),
    rows(optionRows(optionsOf(spec))),
    ['Everywhere:', ...rows(optionRows(GLOBAL_OPTIONS))],
    ['Examples:', ...spec.examples.map((example) => `  ${example}`)],
    spec.see && spec.see.length > 0 ? [`See also: ${spec.see.join(', ')}`] : [],
  ])
}

export function nounHelp({ noun, summary }: NounEntry, commands: readonly CommandSpec[]): string {
  return sections([
    [`coffer ${noun}: ${summary}`],
    [
      'Usage:',
      ...rows(
        commands.map((spec) => [
          `${lineOf(noun, spec)} ${usageOf(spec).replace(/ ?\[options\]$/, '')}`.trimEnd(),
          spec.summary,
        ]),
      ),
    ],
    [`coffer ${noun} <command> --help says what each takes.`],
  ])
}

const optionRows = (options: Readonly<Record<string, OptionSpec>>): readonly (readonly [string, string])[] =>
  Object.entries(options).map(([name, { value, help, choices, many }]) => [
    `--${name}${value === undefined ? '' : ` <${value}>`}`,
    `${help}${choices ? `: ${choices.join(', ')}` : ''}${many ? '; may be given more than once' : ''}`,
  ])

/** What every command takes. */
export const globalOptionsText = (): string => ['Every command takes:', ...rows(optionRows(GLOBAL_OPTIONS))].join('\n')

const sections = (parts: readonly (readonly string[])[]): string =>
  `${parts
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n')}\n`

const COLUMN = 30

function rows(pairs: readonly (readonly [string, string])[]): string[] {
  const width = Math.min(COLUMN, Math.max(0, ...pairs.map(([left]) => left.length)))
  return pairs.map(([left, right]) => {
    const indent = ' '.repeat(width + 4)
    const text = wrapped(right, indent).trimStart()
    return left.length > width ? `  ${left}\n${indent}${text}` : `  ${left.padEnd(width)}  ${text}`
  })
}

function wrapped(text: string, indent: string): string {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && indent.length + line.length + 1 + word.length > WIDTH) {
      lines.push(line)
      line = word
    } else line = line === '' ? word : `${line} ${word}`
  }
  return [...lines, line].map((one) => `${indent}${one}`).join('\n')
}

const GROUPS: Readonly<Record<NounEntry['group'], string>> = {
  Store: 'The store, on its own machine',
  Data: 'Data',
  Keys: 'Keys',
  Access: 'Who may do what',
  Operate: 'Operation',
  Connection: 'This program',
}

export interface TreeLine {
  readonly group: NounEntry['group']
  readonly name: string
  /** `ls | show` */
  readonly verbs: string
  readonly summary: string
}

/** Every command there is, in groups. */
export function treeText(lines: readonly TreeLine[]): string {
  const groups = Object.entries(GROUPS).map(([group, title]) => [
    `${title}:`,
    ...rows(
      lines
        .filter((line) => line.group === group)
        .map(({ name, verbs, summary }) => [name, verbs === '' ? summary : `${summary}: ${verbs}`]),
    ),
  ])
  return sections([
    ['coffer: an S3-compatible object store with envelope encryption built in.'],
    [
      'Usage: coffer [serve] [settings]   starts the server (coffer serve --help lists every setting)',
      '       coffer <command> …',
    ],
    ...groups,
    ['coffer <command> --help says more of each, coffer help <topic> of: exit-codes, environment, output, references.'],
  ])
}

/** Of the clients' half of the tree. Loads every command. */
export async function clientLines(nouns: readonly NounEntry[]): Promise<readonly TreeLine[]> {
  return Promise.all(
    nouns.map(async ({ noun, group, summary, load }) => {
      const { COMMANDS } = await load()
      const verbs = [...new Set(COMMANDS.map(({ name }) => name.split(' ')[0] ?? ''))].filter((verb) => verb !== '')
      return { group, name: noun, verbs: verbs.join(', '), summary }
    }),
  )
}
