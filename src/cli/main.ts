import { endWithReader } from '../base/end-with-reader.ts'
import { EXIT } from '../base/exit-status.ts'
import { isOfSystem, systemWords } from '../base/system-words.ts'
import { writeHelp } from '../base/write-help.ts'
import { probablyMeant, readArguments } from './arguments.ts'
import type { Call } from './call.ts'
import { NOUNS } from './commands/index.ts'
import { type Environment, given, processEnvironment } from './environment.ts'
import { CommandFailure, usage } from './failure.ts'
import { commandHelp, nounHelp } from './help-text.ts'
import { failureDocument, failureText, jsonText, openOutput } from './output.ts'
import { paintFor } from './paint.ts'
import { openProgress, type Progress, type ProgressMode } from './progress.ts'
import { openServer, type Server } from './server.ts'
import type { CommandSpec } from './spec.ts'
import { isTerminal, type Streams } from './streams.ts'

/** `coffer <noun> …`: a client of a server. Resolves to the exit status; never throws. */
export async function clientCommand(
  noun: string,
  words: readonly string[],
  streams: Streams,
  environment: Environment = processEnvironment(),
): Promise<number> {
  const entry = NOUNS.find((one) => one.noun === noun)
  if (!entry) throw new Error(`no noun ${noun}`)
  const { COMMANDS } = await entry.load()
  const { spec, rest } = choose(COMMANDS, words)
  const isJson = words.includes('--json')
  const line = `coffer ${[noun, spec?.name].filter(Boolean).join(' ')}`
  const colour = !words.includes('--no-color') && !environment['NO_COLOR']
  if (spec === undefined) {
    if (isHelp(words)) {
      writeHelp(nounHelp(entry, COMMANDS), words, streams.out)
      return EXIT.done
    }
    const [word] = words
    if (word === undefined || word.startsWith('-')) {
      const none = usage('it takes the name of a command', `coffer ${noun} --help`)
      if (isJson) return told(`run coffer ${noun}`, none, { streams, isJson, colour })
      streams.err.write(nounHelp(entry, COMMANDS))
      return EXIT.usage
    }
    const near = probablyMeant(
      word,
      COMMANDS.map(({ name }) => name.split(' ')[0] ?? ''),
    )
    const verbs = COMMANDS.flatMap(({ name }) => (name.startsWith(`${word} `) ? [name.slice(word.length + 1)] : []))
    const why =
      verbs.length > 0
        ? `it takes one of ${verbs.join(', ')}`
        : `there is no such command${near ? `; did you mean coffer ${noun} ${near}?` : ''}`
    return told(`run coffer ${noun} ${word}`, usage(why, `coffer ${noun} --help`), { streams, isJson, colour })
  }
  if (isHelp(rest)) {
    writeHelp(commandHelp(noun, spec), rest, streams.out)
    return EXIT.done
  }
  return run({ spec, line, words: rest, streams, environment, isJson, colour })
}

/** What stands before `--` and asks for help. */
const isHelp = (words: readonly string[]): boolean => {
  const end = words.indexOf('--')
  return (end < 0 ? words : words.slice(0, end)).some((word) => word === '--help' || word === '-h')
}

/** The command whose name is the longest beginning of the words. */
function choose(commands: readonly CommandSpec[], words: readonly string[]) {
  const fitting = commands
    .filter(({ name }) => name === '' || name.split(' ').every((part, at) => words[at] === part))
    .toSorted((a, b) => b.name.length - a.name.length)
  const [spec] = fitting
  return { spec, rest: words.slice(spec === undefined || spec.name === '' ? 0 : spec.name.split(' ').length) }
}

interface Run {
  readonly spec: CommandSpec
  readonly line: string
  readonly words: readonly string[]
  readonly streams: Streams
  readonly environment: Environment
  readonly isJson: boolean
  readonly colour: boolean
}

async function run({ spec, line, words, streams, environment, isJson, colour }: Run): Promise<number> {
  let doing = line.replace(/^coffer /, 'run ')
  let bucket: string | undefined
  let server: Promise<Server> | undefined
  let progress: Progress | undefined
  const ends: AtEnd[] = []
  const interrupt = interruption()
  endWithReader(streams.out)
  try {
    const found = readArguments(spec, words, line)
    const out = openOutput(streams, {
      json: found.flag('json'),
      quiet: found.flag('quiet'),
      wide: found.flag('wide'),
      paint: paintFor(colour && isTerminal(streams.out)),
      nowMs: Date.now(),
    })
    const profile = found.text('profile')
    const call: Call = {
      ...{ ...found, line, out, streams, environment, profile, nouns: NOUNS, signal: interrupt.signal },
      server: () => {
        server ??= openServer(environment, profile, interrupt.signal)
        return server
      },
      progress: () => {
        progress ??= openProgress({ mode: progressMode(call), err: streams.err, out: streams.out, paint: out.paint })
        return progress
      },
      doing: (what) => {
        doing = what
      },
      about: (name) => {
        bucket = name
      },
      atEnd: (by, work) => void ends.push({ by, work }),
    }
    return EXIT[(await Promise.race([spec.run(call), interrupt.happened])) ?? 'done']
  } catch (error) {
    progress?.clear()
    const failure = goingOn(await explained(error, server, bucket), spec)
    return told(doing, failure, { streams, isJson, colour })
  } finally {
    progress?.end()
    interrupt.end()
    if (ends.length > 0) await cleanedUp(ends, interrupt.linger, streams)
    server?.then(
      ({ dispose }) => dispose(),
      () => {},
    )
  }
}

interface AtEnd {
  readonly by: string
  readonly work: () => Promise<void>
}

async function cleanedUp(ends: readonly AtEnd[], linger: () => void, { err }: Streams): Promise<void> {
  linger()
  for (const { by, work } of ends) await work().catch(() => err.write(`▲ Not all was cleared away. Fix: ${by}\n`))
}

const MODES: readonly ProgressMode[] = ['bar', 'plain', 'json', 'none']

function progressMode({ text, out, environment, streams }: Call): ProgressMode {
  const wanted = text('progress') ?? given(environment, 'COFFER_PROGRESS') ?? 'auto'
  const mode = MODES.find((known) => known === wanted)
  if (mode !== undefined) return mode
  if (wanted !== 'auto') throw usage(`COFFER_PROGRESS is one of auto, ${MODES.join(', ')}, and not ${wanted}`)
  if (out.quiet || out.json) return 'none'
  return isTerminal(streams.err) ? 'bar' : 'plain'
}

interface Telling {
  readonly streams: Streams
  readonly isJson: boolean
  readonly colour: boolean
}

function told(doing: string, error: CommandFailure, { streams, isJson, colour }: Telling): number {
  const { failure } = error
  const paint = paintFor(colour && isTerminal(streams.err))
  if (isJson) streams.out.write(`${jsonText(failureDocument(doing, failure))}\n`)
  else streams.err.write(`${failureText(doing, failure, paint)}\n`)
  return EXIT[failure.ending]
}

async function explained(
  error: unknown,
  server: Promise<Server> | undefined,
  bucket: string | undefined,
): Promise<CommandFailure> {
  const opened = await server?.catch(() => undefined)
  const { s3Failure } = await import('./s3-failure.ts')
  const found = error instanceof CommandFailure ? error : s3Failure(error, opened?.s3Url ?? '')
  if (found === undefined) return ofSystem(error)
  if (found.failure.ending !== 'keyUnavailable' || opened === undefined || bucket === undefined) return found
  const { whyLocked } = await import('./why-locked.ts')
  return whyLocked(found, opened, bucket)
}

/** An interruption is mended by the same command, where that goes on. */
function goingOn(found: CommandFailure, { again }: CommandSpec): CommandFailure {
  if (found.failure.ending !== 'interrupted' || again === undefined) return found
  return new CommandFailure({ ...found.failure, fixes: [`the same command again: ${again}`] }, found)
}

/** What the system refused is told in words; all else is a fault of this program. */
function ofSystem(error: unknown): CommandFailure {
  if (isOfSystem(error)) {
    const { code } = error
    return new CommandFailure(
      { code, ending: code === 'ENOENT' ? 'notFound' : 'failed', why: systemWords(error) },
      error,
    )
  }
  const message = error instanceof Error ? error.message : String(error)
  const notes = ['That is a fault of this program. Whoever mends it wants the whole command and these lines.']
  return new CommandFailure({ code: 'Fault', ending: 'failed', why: message, notes }, error)
}

/** Ctrl-C: what is under way is left, and what is told says so. */
function interruption() {
  const abort = new AbortController()
  const { promise, reject } = Promise.withResolvers<never>()
  promise.catch(() => {})
  let exit: NodeJS.Timeout | undefined
  const stop = (): void => {
    const reason = new CommandFailure({ code: 'Interrupted', ending: 'interrupted', why: 'it was interrupted' })
    reject(reason)
    abort.abort(reason)
    // Whatever holds the process up does so no longer than this.
    exit = setTimeout(() => process.exit(EXIT.interrupted), 500).unref()
  }
  process.once('SIGINT', stop).once('SIGTERM', stop)
  return {
    signal: abort.signal,
    happened: promise,
    end: () => void process.off('SIGINT', stop).off('SIGTERM', stop),
    /** What is cleared away takes its time; a second Ctrl-C ends it. */
    linger: () => clearTimeout(exit),
  }
}
