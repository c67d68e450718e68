import { execFile, spawnSync } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { LOCAL } from '../../src/cli/completion/words.ts'
import { COMMANDS } from '../../src/server/commands/index.ts'
import { type CliServer, startCliServer } from '../support/cli-server.ts'

let cli: CliServer
beforeAll(async () => {
  cli = await startCliServer()
  expect((await cli.call(['bucket', 'create', 'kept'])).status).toBe(0)
  // Files of the directory are no verbs, and no names of the server.
  for (const name of ['buckle.txt', 'kettle.txt', 'vain.txt']) await writeFile(join(cli.home, name), '')
})
afterAll(() => cli[Symbol.asyncDispose]())

const COFFER = `'${process.execPath}' '${join(import.meta.dirname, '../../src/server/main.js')}'`
const LINES = [
  'coffer buck',
  'coffer bucket show ke',
  'coffer key disable --dr',
  'coffer object ls ke',
  'coffer config va',
]
const COMPLETED = ['bucket', 'kept', '--dry-run', 'kept/', 'validate']

/** Each loads its script as people do, and is asked what it would complete these lines to. */
const SHELLS: Readonly<Record<string, { readonly args: readonly string[]; readonly program: string }>> = {
  bash: {
    args: ['-c'],
    program: `
coffer() { ${COFFER} "$@"; }
source <(coffer completion bash)
try() { COMP_LINE=$1; COMP_POINT=\${#1}; read -r -a COMP_WORDS <<< "$1"; COMP_CWORD=$((\${#COMP_WORDS[@]}-1)); _coffer 2> /dev/null; echo "\${COMPREPLY[*]}"; }
${LINES.map((line) => `try '${line}'`).join('\n')}`,
  },
  zsh: {
    args: ['-f', '-c'],
    program: `
autoload -Uz compinit; compinit -u -D
coffer() { ${COFFER} "$@" }
source <(coffer completion zsh)
[[ $_comps[coffer] == _coffer ]] || exit 1
compadd() { while [[ $1 != -- ]]; do shift; done; shift; print -r -- "$@" }
try() { words=("$@"); CURRENT=$#words; _coffer }
${LINES.map((line) => `try ${line}`).join('\n')}`,
  },
  fish: {
    args: ['--no-config', '-c'],
    program: `
function coffer; ${COFFER} $argv; end
coffer completion fish | source
${LINES.map((line) => `complete -C '${line}'`).join('\n')}`,
  },
}

describe('a completion script loads, and completes commands, names and options', () => {
  for (const [shell, { args, program }] of Object.entries(SHELLS)) {
    it.skipIf(spawnSync(shell, ['-c', 'true']).status !== 0)(`in ${shell}`, async () => {
      const env = { ...process.env, ...cli.environment }
      const { stdout, stderr } = await promisify(execFile)(shell, [...args, program], { env, cwd: cli.home })
      expect({ lines: stdout.trim().split('\n'), stderr }).toEqual({ lines: COMPLETED, stderr: '' })
    })
  }

  it('of a store on its own machine, too', () => {
    const known = [...COMMANDS].flatMap(([name, { local }]) =>
      local ? [[name, local.verbs.split(', ').filter(Boolean)] as const] : [],
    )
    expect(LOCAL).toEqual(Object.fromEntries(known))
  })
})
