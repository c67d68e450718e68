import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { constants as system } from 'node:os'
import path from 'node:path'

const SOURCE = path.join(import.meta.dirname, '../shim/shim.c')
const CACHE = path.join(import.meta.dirname, '../../../node_modules/.cache/coffer-faults')

/** In the order of `enum op` in shim.c. `look` opens for reading. */
export const OPS = [
  'open',
  'look',
  'read',
  'write',
  'fdatasync',
  'fsync',
  'rename',
  'unlink',
  'mkdir',
  'rmdir',
  'truncate',
  'link',
] as const
export type Op = (typeof OPS)[number]
/** In the order of `enum action`; the first is 1. */
const ACTIONS = ['fail', 'kill before', 'kill after', 'delay', 'short write', 'fail after', 'lie'] as const
/** `lie`: a sync that says it was done and was not. */
export type ShimAction = (typeof ACTIONS)[number]

export interface Rule {
  readonly ops: readonly Op[]
  /** Pattern of fnmatch(3) for the path below the root, numbers in it as `#`: `data/metadata/#.log`. */
  readonly place: string
  readonly action: ShimAction
  /** Name of an errno for failures, milliseconds for a delay. */
  readonly argument?: string | number
  /** Calls that pass before. */
  readonly skip?: number
  /** How often; as long as the rule stands by default. */
  readonly times?: number
}

const HEAD_BYTES = 32
const RULE_BYTES = 128
const MAX_RULES = 16
const PLACE_AT = 32
const FIRED_AT = 24
const CLOCK_AT = 8

/** What the harness says to the library that a server under test is started with, while that runs. */
export interface Shim {
  readonly environment: Readonly<Record<string, string>>
  /** In the place of those before. */
  readonly rules: (rules: readonly Rule[]) => void
  /** How often rules took effect since they were set. */
  readonly fired: () => number
  /** The first of them that did. */
  readonly firedRule: () => number | undefined
  /** Calls are written down in the journal: their places alone, or all that they changed. */
  readonly record: (what: 'nothing' | 'places' | 'changes') => void
  readonly setClockOff: (ms: number) => void
  readonly journal: string
}

/** Why no server can be started with the library; undefined when it can. */
export function shimMissing(): string | undefined {
  if (process.platform !== 'linux') return 'the library that makes faults is for Linux'
  try {
    build()
    return undefined
  } catch (error) {
    return `no C compiler made the library that makes faults (cc): ${String(error).split('\n')[0]}`
  }
}

/** Compiled once for each text of the source. */
function build(): string {
  const text = readFileSync(SOURCE)
  const built = path.join(CACHE, `shim-${createHash('sha256').update(text).digest('hex').slice(0, 16)}.so`)
  if (existsSync(built)) return built
  mkdirSync(CACHE, { recursive: true })
  const draft = `${built}.${process.pid}`
  const flags = ['-O1', '-shared', '-fPIC', '-Wall', '-Wextra', '-Werror']
  execFileSync('cc', [...flags, '-o', draft, SOURCE, '-ldl', '-lpthread'], { stdio: 'pipe' })
  renameSync(draft, built)
  return built
}

/** `root`: directory whose files are under faults. `directory` holds the control file and the journal. */
export function openShim(root: string, directory: string): Shim & Disposable {
  const controlFile = path.join(directory, 'control')
  const journal = path.join(directory, 'journal')
  writeFileSync(controlFile, Buffer.alloc(HEAD_BYTES + MAX_RULES * RULE_BYTES))
  writeFileSync(journal, '')
  // The server has it mapped: what is written here is there at once.
  const fd = openSync(controlFile, constants.O_RDWR)
  const offsetOf = (rule: number): number => HEAD_BYTES + rule * RULE_BYTES
  const word = (value: number): Buffer => {
    const bytes = Buffer.alloc(4)
    bytes.writeInt32LE(value)
    return bytes
  }
  const numberAt = (offset: number): number => {
    const bytes = Buffer.alloc(4)
    readSync(fd, bytes, 0, 4, offset)
    return bytes.readUInt32LE()
  }
  const firedOf = (rule: number): number => numberAt(offsetOf(rule) + FIRED_AT)
  const all = Array.from({ length: MAX_RULES }, (_, at) => at)
  return {
    environment: { LD_PRELOAD: build(), FAULTS_ROOT: root, FAULTS_CONTROL: controlFile, FAULTS_JOURNAL: journal },
    rules: (rules) => {
      if (rules.length > MAX_RULES) throw new RangeError('too many rules')
      for (let at = 0; at < MAX_RULES; at++) writeSync(fd, word(0), 0, 4, offsetOf(at))
      rules.forEach((rule, at) => {
        const bytes = encodeRule(rule)
        writeSync(fd, bytes, 4, bytes.length - 4, offsetOf(at) + 4)
        writeSync(fd, word(1), 0, 4, offsetOf(at))
      })
    },
    fired: () => all.map(firedOf).reduce((a, b) => a + b),
    firedRule: () => all.find((rule) => firedOf(rule) > 0),
    record: (what) => void writeSync(fd, word({ nothing: 0, places: 1, changes: 2 }[what]), 0, 4, 0),
    setClockOff: (ms) => {
      const bytes = Buffer.alloc(8)
      bytes.writeBigInt64LE(BigInt(Math.round(ms)) * 1_000_000n)
      writeSync(fd, bytes, 0, 8, CLOCK_AT)
    },
    journal,
    [Symbol.dispose]: () => closeSync(fd),
  }
}

function encodeRule({ ops, place, action, argument = 0, skip = 0, times = -1 }: Rule): Buffer {
  const bytes = Buffer.alloc(RULE_BYTES)
  const mask = ops.reduce((sum, op) => sum | (1 << OPS.indexOf(op)), 0)
  bytes.writeUInt32LE(mask, 4)
  bytes.writeUInt32LE(ACTIONS.indexOf(action) + 1, 8)
  bytes.writeUInt32LE(typeof argument === 'string' ? errnoOf(argument) : argument, 12)
  bytes.writeInt32LE(skip, 16)
  bytes.writeInt32LE(times, 20)
  if (bytes.write(place, PLACE_AT, RULE_BYTES - PLACE_AT - 1, 'utf8') < Buffer.byteLength(place))
    throw new RangeError(`${place} is too long`)
  return bytes
}

function errnoOf(name: string): number {
  const found = Object.entries(system.errno).find(([known]) => known === name)?.[1]
  if (found === undefined) throw new RangeError(`there is no ${name}`)
  return found
}
