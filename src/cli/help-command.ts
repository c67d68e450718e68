import { EXIT } from '../base/exit-status.ts'
import { writeHelp } from '../base/write-help.ts'
import { probablyMeant } from './arguments.ts'
import { NOUNS } from './commands/index.ts'
import { type CommandFailure, usage } from './failure.ts'
import { clientLines, type TreeLine, treeText } from './help-text.ts'
import { failureDocument, failureText, jsonText } from './output.ts'
import { paintFor } from './paint.ts'
import type { Streams } from './streams.ts'
import { TOPICS } from './topics.ts'

/** One that works on a store on its own machine, or is of the program itself; and those of clients, of which no more is said. */
export interface ListedCommand {
  readonly local?: { readonly summary: string; readonly verbs: string; readonly group?: 'Connection' }
  readonly run: (args: readonly string[], streams: Streams) => Promise<number>
}

type Table = ReadonlyMap<string, ListedCommand>

/** `coffer --help`, `coffer help [topic or command]`. */
export async function helpCommand(table: Table, words: readonly string[], streams: Streams): Promise<number> {
  const [topic, ...more] = words.filter((word) => !word.startsWith('-'))
  if (topic === undefined) {
    writeHelp(treeText(await treeLines(table)), words, streams.out)
    return EXIT.done
  }
  const text = TOPICS.get(topic)?.()
  if (text !== undefined) {
    writeHelp(text, words, streams.out)
    return EXIT.done
  }
  const found = table.get(topic)
  if (found) return found.run([...more, '--help', ...words.filter((word) => word === '--json')], streams)
  const why = `there is no help on it, only on ${[...TOPICS.keys()].join(', ')} and every command`
  return refusedWord(`help with ${topic}`, usage(why, 'coffer --help'), words, streams)
}

export const treeLines = async (table: Table): Promise<readonly TreeLine[]> => [
  ...[...table].flatMap(([name, { local }]) =>
    local ? [{ group: local.group ?? ('Store' as const), name, ...local }] : [],
  ),
  ...(await clientLines(NOUNS)),
]

export function unknownCommand(table: Table, [name = '', ...rest]: readonly string[], streams: Streams): number {
  const near = probablyMeant(name, [...table.keys()])
  const why = `there is no such command${near === undefined ? '' : `; did you mean coffer ${near}?`}`
  return refusedWord(`run coffer ${name}`, usage(why, 'coffer --help'), rest, streams)
}

function refusedWord(
  doing: string,
  { failure }: CommandFailure,
  words: readonly string[],
  { out, err }: Streams,
): number {
  if (words.includes('--json')) out.write(`${jsonText(failureDocument(doing, failure))}\n`)
  else err.write(`${failureText(doing, failure, paintFor(false))}\n`)
  return EXIT[failure.ending]
}
