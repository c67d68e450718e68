import { readArguments } from '../../src/cli/arguments.ts'
import { NOUNS } from '../../src/cli/commands/index.ts'
import type { DescribedCommand } from '../../src/cli/described.ts'
import { COMMANDS } from '../../src/server/commands/index.ts'

/** What the console says of the AWS command line: service, operation, and the options that it names. */
const AWS: Readonly<Record<string, readonly string[]>> = {
  's3 ls': [],
  's3 cp': [],
  's3 rm': ['recursive'],
  's3 rb': [],
  's3 presign': ['expires-in'],
  's3api put-object': ['bucket', 'key'],
  's3api delete-object': ['bucket', 'key', 'version-id'],
  's3api get-bucket-cors': ['bucket'],
}

/** Undefined: the command line is one that runs, as far as its words tell. */
export async function problemOfHint(line: string): Promise<string | undefined> {
  try {
    const [program, ...words] = wordsOf(line)
    if (program === 'coffer') await checkCoffer(words)
    else if (program === 'aws') checkAws(words)
    else if (program === 'curl') checkCurl(words)
    else throw new Error('neither coffer nor aws nor curl')
    return undefined
  } catch (error) {
    return `${line}: ${error instanceof Error ? error.message : String(error)}`
  }
}

async function checkCoffer([noun = '', ...words]: readonly string[]): Promise<void> {
  const entry = NOUNS.find((one) => one.noun === noun)
  if (!entry) {
    const verbs = COMMANDS.get(noun)?.local?.verbs
    if (verbs === undefined || (words[0] !== undefined && !verbs.split(', ').includes(words[0])))
      throw new Error('there is no such command')
    return
  }
  const specs: readonly DescribedCommand[] = (await entry.load()).COMMANDS
  const [spec] = specs
    .filter(({ name }) => name === '' || name.split(' ').every((part, at) => words[at] === part))
    .toSorted((a, b) => b.name.length - a.name.length)
  if (!spec) throw new Error('there is no such verb')
  const rest = words.slice(spec.name === '' ? 0 : spec.name.split(' ').length)
  readArguments(spec, rest, `coffer ${noun} ${spec.name}`)
}

function checkAws([service = '', operation = '', ...words]: readonly string[]): void {
  const options = AWS[`${service} ${operation}`]
  if (!options) throw new Error('not among the operations that are known to be there')
  const wrong = words.filter((word) => word.startsWith('--') && !options.includes(word.slice(2)))
  if (wrong.length > 0) throw new Error(`it takes no ${wrong.join(', ')}`)
}

function checkCurl(words: readonly string[]): void {
  if (!words.some((word) => URL.canParse(word) && /^https?:/.test(word))) throw new Error('asks for no address')
}

/** As a shell splits it. Throws where it would take a character for something else. */
function wordsOf(line: string): readonly string[] {
  const words: string[] = []
  const pattern = /((?:[^\s'"\\<>|&;()*?$`]|'[^']*'|"[^"`\\]*"|\\.)+)(\s+|$)/gy
  let at = 0
  while (at < line.length) {
    const [all, word = ''] = pattern.exec(line) ?? []
    if (all === undefined) throw new Error('a shell does not take it as it is meant')
    words.push(word.replaceAll(/'([^']*)'|"([^"]*)"|\\(.)/g, (_, single, double, bare) => single ?? double ?? bare))
    at = pattern.lastIndex
  }
  return words
}
