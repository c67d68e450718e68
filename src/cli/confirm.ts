import { createInterface } from 'node:readline/promises'
import type { Call } from './call.ts'
import { CommandFailure, usage } from './failure.ts'
import { harmless, shown } from './paint.ts'
import { isTerminal } from './streams.ts'

/** What a command would do. */
export interface Plan {
  /** What happens, a sentence or a line each. */
  readonly lines: readonly string[]
  /** The same in figures and names. */
  readonly document?: object
}

/** Of a destructive one. */
export interface Consequence extends Plan {
  /** What is typed to confirm it: the name of what goes. */
  readonly name: string
}

/** True when that was all that was asked for: it is told then. */
export function isDryRun({ flag, out }: Pick<Call, 'flag' | 'out'>, { lines, document = {} }: Plan): boolean {
  if (!flag('dry-run')) return false
  out.answer({ dryRun: true, ...document }, () => [...lines, 'Nothing was changed.'].join('\n'))
  return true
}

/** True when it is to be done; a dry run ends with what would be. Throws Usage where nobody can be asked, and NotConfirmed. */
export async function confirmed(call: Call, { name, lines, document = {} }: Consequence): Promise<boolean> {
  const { out, streams } = call
  if (isDryRun(call, { lines, document: { name, ...document } })) return false
  if (call.flag('yes')) return true
  const input = streams.in ?? process.stdin
  if (!isTerminal(input) || !isTerminal(streams.err) || out.json) {
    throw usage('nobody can be asked here', `${call.line} … --yes`, `${call.line} … --dry-run`)
  }
  streams.err.write(`${harmless(lines.join('\n'))}\n`)
  const typed = await asked(call, `Type ${out.paint.bold(shown(name))} to go on: `)
  if (typed === name) return true
  throw new CommandFailure({
    code: 'NotConfirmed',
    ending: 'failed',
    why: `${name} was not typed; nothing was changed`,
  })
}

export async function asked({ streams }: Pick<Call, 'streams'>, question: string): Promise<string> {
  const lines = createInterface({ input: streams.in ?? process.stdin, output: streams.err })
  try {
    return (await lines.question(question)).trim()
  } finally {
    lines.close()
  }
}

/** Not shown while it is typed. On a terminal. */
export async function askedSecretly({ streams }: Pick<Call, 'streams'>, question: string): Promise<string> {
  const input = streams.in ?? process.stdin
  streams.err.write(question)
  const lines = createInterface({ input, terminal: true, output: undefined })
  try {
    return (await lines.question('')).trim()
  } finally {
    lines.close()
    streams.err.write('\n')
  }
}
