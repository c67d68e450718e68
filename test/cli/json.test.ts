import { describe, expect, it } from 'vitest'
import { EXIT } from '../../src/base/exit-status.ts'
import { NOUNS } from '../../src/cli/commands/index.ts'
import { TOPICS } from '../../src/cli/topics.ts'
import { COMMANDS } from '../../src/server/commands/index.ts'
import { runCommand } from '../support/coffer-command.ts'
import { ownCommand } from '../support/own-command.ts'

const documents = (out: string): unknown[] => out.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line)]))
const help = { type: 'help', text: expect.stringContaining('coffer') }
const error = { type: 'error', code: expect.any(String), message: expect.any(String) }

/** Every command of the tree, by the words that it is called by; `local` works on a store on its own machine. */
const local = [...COMMANDS].flatMap(([name, one]) => {
  if (!one.local || name === 'help') return []
  const verbs = one.local.verbs.split(', ').filter(Boolean)
  return verbs.length === 0 ? [[name]] : verbs.map((verb) => [name, verb])
})
const client = (
  await Promise.all(
    NOUNS.map(async ({ noun, load }) =>
      (await load()).COMMANDS.map(({ name }) => [noun, ...name.split(' ').filter(Boolean)]),
    ),
  )
).flat()

// A server that does not start ends its process itself.
const run = (words: readonly string[]) => (words[0] === 'serve' ? runCommand(words) : ownCommand(words))
const all = [...local, ...client].map((words) => [words.join(' '), words] as const)

describe('with --json, on standard output,', () => {
  it.each(all)('the help of coffer %s is documents', async (_line, words) => {
    const { status, out } = await run([...words, '--help', '--json'])
    const said = documents(out)
    // `audit` is of both halves.
    expect({ status, said }).toEqual({ status: EXIT.done, said: said.length === 2 ? [help, help] : [help] })
  })

  // A setting that is wrong is a finding of doctor's.
  it.each(all.filter(([line]) => line !== 'doctor'))(
    'coffer %s that is called wrongly is an error',
    async (_line, words) => {
      const { status, out } = await run([...words, '--no-such-option', '--json'])
      expect(status).toBeGreaterThan(0)
      expect(documents(out)).toEqual([expect.objectContaining({ ...error, exit: status })])
      expect(out).not.toContain('positional argument')
    },
  )

  it.each([...COMMANDS.keys()].filter((name) => !['serve', 'init', 'doctor'].includes(name)))(
    'coffer %s with nothing besides is one document, or an error',
    async (name) => {
      const { out } = await run([name, '--json'])
      expect(documents(out)).toEqual([expect.any(Object)])
    },
  )

  it.each([['help'], ...[...TOPICS.keys()].map((topic) => ['help', topic]), ['help', 'bucket', 'create'], ['--help']])(
    'coffer %s %s %s is one document',
    async (...words) => {
      const { status, out } = await run([...words.filter((word) => word !== undefined), '--json'])
      expect({ status, said: documents(out) }).toEqual({
        status: EXIT.done,
        said: [{ type: 'help', text: expect.any(String) }],
      })
    },
  )
})
