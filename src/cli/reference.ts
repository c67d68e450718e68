import { commandHelp, globalOptionsText } from './help-text.ts'
import type { NounEntry } from './spec.ts'
import { exitCodesText, TOPICS } from './topics.ts'

const HEAD = `# The command line

Made from the tables of commands by \`npm run docs:cli\`; a test holds it to them. \`coffer --help\` shows the whole tree, also of what works on a store on its own
machine (\`serve\`, \`init\`, \`config\`, \`doctor\`, \`verify\`, \`backup\`, …), which say themselves in their \`--help\`. What follows calls a server by HTTP, as any client does.
`

/** docs/cli.md */
export async function referenceText(nouns: readonly NounEntry[]): Promise<string> {
  const topics = ['references', 'output', 'environment'].map((name) => block(TOPICS.get(name)?.() ?? ''))
  const parts: string[] = []
  for (const { noun, summary, load } of nouns) {
    const { COMMANDS } = await load()
    parts.push(`## coffer ${noun}\n\n${summary.charAt(0).toUpperCase()}${summary.slice(1)}.\n`)
    for (const spec of COMMANDS) {
      const title = ['coffer', noun, spec.name].filter(Boolean).join(' ')
      parts.push(`### ${title}\n\n${block(withoutGlobals(commandHelp(noun, spec)))}`)
    }
  }
  return `${[HEAD, block(globalOptionsText()), ...topics, block(exitCodesText()), ...parts].join('\n').trimEnd()}\n`
}

const block = (text: string): string => `\`\`\`\n${text.trimEnd()}\n\`\`\`\n`

/** Options that every command has are told once. */
const withoutGlobals = (help: string): string => help.replace(/\n\nEverywhere:\n(?: .*\n)+/, '\n')
