import { probablyMeant } from './arguments.ts'
import { NOUNS } from './commands/index.ts'
import { EXIT } from './exit.ts'
import { clientLines, type TreeLine, treeText } from './help-text.ts'
import type { Streams } from './streams.ts'
import { TOPICS } from './topics.ts'

/** One that works on a store on its own machine, or is of the program itself; and those of clients, of which no more is said. */
export interface ListedCommand {
  readonly local?: { readonly summary: string; readonly verbs: string; readonly group?: 'Connection' }
  readonly run: (args: readonly string[], streams: Streams) => Promise<number>
}

type Table = ReadonlyMap<string, ListedCommand>

/** `coffer --help`, `coffer help [topic or command]`. */
export async function helpCommand(
  table: Table,
  [topic, ...more]: readonly string[],
  streams: Streams,
): Promise<number> {
  if (topic === undefined || topic.startsWith('-')) {
    streams.out.write(treeText(await treeLines(table)))
    return EXIT.done
  }
  const text = TOPICS.get(topic)?.()
  if (text !== undefined) {
    streams.out.write(text)
    return EXIT.done
  }
  const found = table.get(topic)
  if (found) return found.run([...more, '--help'], streams)
  streams.err.write(`✕ There is no help on ${topic}: ${[...TOPICS.keys()].join(', ')}, or the name of a command.\n`)
  return EXIT.usage
}

export const treeLines = async (table: Table): Promise<readonly TreeLine[]> => [
  ...[...table].flatMap(([name, { local }]) =>
    local ? [{ group: local.group ?? ('Store' as const), name, ...local }] : [],
  ),
  ...(await clientLines(NOUNS)),
]

export function unknownCommand(table: Table, name: string, { err }: Streams): number {
  const near = probablyMeant(name, [...table.keys()])
  err.write(
    `✕ There is no command ${name}.${near === undefined ? '' : ` Did you mean coffer ${near}?`}  [Usage, exit 2]\n  Fix     coffer --help\n`,
  )
  return EXIT.usage
}
