import { CommandFailure } from '../../failure.ts'
import { listOf, parsed, textOf } from '../../json.ts'
import type { CommandSpec } from '../../spec.ts'

const TIMEOUT_MS = 5000

const health: CommandSpec = {
  name: '',
  summary: 'Asks a server whether it lives and is ready. For HEALTHCHECK and probes.',
  about: 'Needs no credentials. 0: it is; 1: it is not, or does not answer.',
  arguments: [
    { name: 'url', help: 'control listener; COFFER_CONTROL, or http://127.0.0.1:9001, by default', optional: true },
  ],
  options: {
    live: { help: 'only whether the process is worth keeping' },
    ready: { help: 'whether it should get requests; the default' },
  },
  examples: ['coffer health', 'coffer health --live'],
  see: ['coffer status', 'coffer doctor'],
  run: async (call) => {
    const server = await call.server()
    const url = call.maybe('url')?.replace(/\/+$/, '')
    call.doing(`ask ${url ?? server.controlUrl} how it is`)
    const path = `/health/${call.flag('live') ? 'live' : 'ready'}`
    const { status, body } = await server.open('GET', path, { origin: url, timeoutMs: TIMEOUT_MS })
    const answer = parsed(body)
    const problems = listOf(answer, 'problems').map(String)
    const said = textOf(answer, 'status') ?? `answered ${status}`
    if (status !== 200)
      throw new CommandFailure({ code: 'NotReady', ending: 'failed', why: `it is ${said}`, notes: problems })
    call.out.answer({ status: said, problems }, () =>
      [`✓ ${said}`, ...problems.map((problem) => `▲ ${problem}`)].join('\n'),
    )
    return 'done'
  },
}

export const COMMANDS: readonly CommandSpec[] = [health]
