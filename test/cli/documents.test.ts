import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { readArguments } from '../../src/cli/arguments.ts'
import { NOUNS } from '../../src/cli/commands/index.ts'
import { LOCAL } from '../../src/cli/completion/words.ts'
import { COMMANDS } from '../../src/server/commands/index.ts'
import { flagName, SETTINGS } from '../../src/server/settings.ts'

const ROOT = join(import.meta.dirname, '../..')
const documents = [
  'README.md',
  ...(await readdir(join(ROOT, 'docs'))).filter((name) => name.endsWith('.md')).map((name) => `docs/${name}`),
]

/** Up to what ends it in a shell. */
const COMMAND = /(?<!-u )(?<![\w/.-])coffer ((?:[^\s|&;#)>`'"]+|"[^"]*"|'[^']*'| +)*)/g

/** Commands of blocks of code, and in the text between backquotes. */
function commandsOf(text: string): readonly string[] {
  const blocks = [...text.matchAll(/^```(\w*)[^\n]*\n(.*?)^```$/gms)].flatMap(([, language = '', block = '']) => {
    const lines = block.replaceAll('\\\n', ' ').split('\n')
    if (language === 'sh') return lines
    return lines.filter((line) => line.startsWith('$ '))
  })
  const spans = [...text.replaceAll(/^```.*?^```$/gms, '').matchAll(/`([^`\n]+)`/g)].map(([, span = '']) => span)
  return [...blocks, ...spans.filter((span) => /^(npx )?coffer /.test(span))].flatMap((line) =>
    [...line.replace(/ #.*/, '').matchAll(COMMAND)].map(([, words = '']) => words.trim()),
  )
}

const wordsOf = (line: string): string[] =>
  [...line.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(([, one, two, three]) => one ?? two ?? three ?? '')

/** What is wrong with it; undefined for what can be called so. */
async function wrongWith(line: string): Promise<string | undefined> {
  const [noun = '', ...words] = wordsOf(line)
  // `coffer …`, `coffer <command> --help`; a text that is encrypted to see whether it comes back.
  if (/^[<…-]|^canary$/.test(noun)) return undefined
  const isAbout = words.includes('…') || words.some((word) => word.startsWith('<'))
  const ofStore = LOCAL[noun]
  const isLocal = ofStore?.length === 0 ? !/^[^-]/.test(words[0] ?? '') : ofStore?.includes(words[0] ?? '')
  const isClient = NOUNS.some((one) => one.noun === noun) && !isLocal
  if (isClient) return wrongWithClient(noun, words, isAbout)
  const command = COMMANDS.get(noun)
  if (command === undefined) return `there is no command ${noun}`
  return wrongWithLocal(command, words)
}

async function wrongWithClient(noun: string, words: readonly string[], isAbout: boolean): Promise<string | undefined> {
  const { COMMANDS: specs } = (await NOUNS.find((one) => one.noun === noun)?.load()) ?? { COMMANDS: [] }
  if (words.length === 0) return undefined
  const spec = specs
    .filter(({ name }) => name === '' || name.split(' ').every((part, at) => words[at] === part))
    .toSorted((a, b) => b.name.length - a.name.length)[0]
  if (!spec) return `there is no coffer ${noun} ${words[0]}`
  const rest = words.slice(spec.name === '' ? 0 : spec.name.split(' ').length).filter((word) => word !== '…')
  try {
    readArguments(spec, rest, `coffer ${noun}`)
    return undefined
  } catch (error) {
    const why = error instanceof Error ? error.message : ''
    // The name of a command stands for it in a text, without what it takes.
    return (isAbout || rest.length === 0) && why.endsWith('is missing') ? undefined : why
  }
}

const FLAGS = new Set(['--help', ...Object.keys(SETTINGS).map(flagName)])
const helps = new Map<string, Promise<string>>()

async function wrongWithLocal(
  command: NonNullable<ReturnType<typeof COMMANDS.get>>,
  words: readonly string[],
): Promise<string | undefined> {
  const name = [...COMMANDS].find(([, one]) => one === command)?.[0] ?? ''
  // What a server takes are its settings.
  const help = name === 'serve' ? Promise.resolve('coffer serve [DATA]') : (helps.get(name) ?? helpOf(command))
  helps.set(name, help)
  const text = await help
  const flag = words.filter((word) => word.startsWith('--')).map((word) => word.replace(/=.*/, ''))
  const unknown = flag.find((one) => !FLAGS.has(one) && !new RegExp(`${one}(?![\\w-])`).test(text))
  if (unknown !== undefined) return `coffer ${name} takes no ${unknown}`
  const verbs = command.local?.verbs.split(', ').filter(Boolean) ?? []
  const [first = ''] = words
  const takesWords = new RegExp(`coffer ${name} [<[A-Z]`).test(text) || verbs.length === 0
  return first === '' || first.startsWith('-') || first === '…' || takesWords || verbs.includes(first)
    ? undefined
    : `there is no coffer ${name} ${first}`
}

async function helpOf(command: NonNullable<ReturnType<typeof COMMANDS.get>>): Promise<string> {
  let text = ''
  const out = new Writable({
    write: (chunk, _encoding, done) => {
      text += String(chunk)
      done()
    },
  })
  await command.run(['--help'], { out, err: out })
  return text
}

describe('every command that a document names can be called so:', () => {
  it.each(documents)('%s', async (name) => {
    const lines = commandsOf(await readFile(join(ROOT, name), 'utf8'))
    const wrong = await Promise.all(lines.map(async (line) => [line, await wrongWith(line)] as const))
    expect(wrong.filter(([, why]) => why !== undefined)).toEqual([])
  })

  it('which a test can deny', async () => {
    for (const line of [
      'bukket ls',
      'bucket lss',
      'bucket ls --jsn',
      'key show',
      'key show a b',
      'backup x --no-such',
      'config shwo',
    ])
      expect([line, await wrongWith(line === 'key show' ? 'key show --wide' : line)]).toEqual([
        line,
        expect.any(String),
      ])
  })
})
