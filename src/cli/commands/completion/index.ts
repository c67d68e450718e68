import { bash, fish, pwsh, zsh } from '../../completion/shells.ts'
import { completionWords } from '../../completion/words.ts'
import { usage } from '../../failure.ts'
import type { CommandSpec } from '../../spec.ts'

const SHELLS = { bash, zsh, fish, pwsh } as const

const completion: CommandSpec = {
  name: '',
  summary: 'Writes a script that completes commands, options, and names of buckets, objects, keys and profiles.',
  about:
    'bash: source <(coffer completion bash). zsh: the same, after compinit. fish: coffer completion fish | source. PowerShell: coffer completion pwsh | Out-String | Invoke-Expression.',
  arguments: [{ name: 'shell', help: 'bash, zsh, fish or pwsh' }],
  examples: ['coffer completion bash', 'coffer completion fish'],
  run: async (call) => {
    const shell = call.argument('shell')
    call.doing('write a completion script')
    const write = Object.entries(SHELLS).find(([name]) => name === shell)?.[1]
    if (!write) throw usage(`${shell} is not one of ${Object.keys(SHELLS).join(', ')}`)
    if (call.out.json) call.out.answer({ shell, script: write() }, write)
    else call.out.raw(write())
    return 'done'
  },
}

/** What the scripts ask: the words that may come next, one a line. */
const words: CommandSpec = {
  name: 'words',
  summary: 'Says what may stand next on a command line; the scripts ask it.',
  arguments: [{ name: 'word', help: 'the words so far, the last one being typed', many: true, optional: true }],
  examples: ['coffer completion words -- bucket cr'],
  run: async (call) => {
    // A line each, and shells show them: a name with such characters is typed by hand.
    const next = (await completionWords(call, call.arguments('word'))).filter((word) => !/\p{Cc}/u.test(word))
    if (call.out.json) call.out.answer({ words: next }, () => '')
    else for (const word of next) call.out.raw(`${word}\n`)
    return 'done'
  },
}

export const COMMANDS: readonly CommandSpec[] = [completion, words]
