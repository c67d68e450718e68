import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { cpuSeconds } from '../../bench/support/cpu-seconds.ts'
import { openSoak } from './soak.ts'
import { type Bound, grows, type Trend, trendOf } from './trend.ts'
import type { Collected, Sample } from './watch.ts'

/**
 * One server for a long time under a steady, gentle load of everything, well-behaved and not: whether its memory, what it
 * has open and what it stores stay where they are once everything has been used, and whether all that was acknowledged is
 * there in the end.
 */
const { values: options } = parseArgs({
  options: {
    minutes: { type: 'string', default: '100' },
    /** Of these, those that do not count: caches fill, code is compiled, and LevelDB fills its second buffer of rows. */
    'warm-up-minutes': { type: 'string', default: '40' },
    'per-second': { type: 'string', default: '10' },
    workers: { type: 'string', default: '4' },
    keys: { type: 'string', default: '12' },
    'sample-seconds': { type: 'string', default: '10' },
    /** Collects all garbage at every so many-th sample; 0: after the warm-up and in the end alone, which shapes nothing. */
    'collect-every': { type: 'string', default: '0' },
    'chore-seconds': { type: 'string', default: '15' },
    seed: { type: 'string', default: randomBytes(6).toString('hex') },
    threads: { type: 'string', default: '1' },
    /** File for the summary and all samples. */
    json: { type: 'string' },
    keep: { type: 'boolean', default: false },
    server: { type: 'string' },
  },
})

const MIB = 1024 ** 2
const SAMPLES_A_DISK_LOOK = 6

/** Packs and files. */
const MOST_KEPT_OPEN = 64 + 64

/**
 * What must stay. Keys are rotated and versions of them stay by design, so a little is let pass. V8 compiles what has run often
 * enough, and what runs seldom gets there after hours: its code may grow by half, the program's data may not. A pack is filled to
 * 256 MiB before the next one begins, and its space comes back with the last object in it. Files of blobs that were read stay open,
 * each once, until they are removed or there are too many; what else of them is open counts with all other descriptors.
 */
const BOUNDS: readonly Bound[] = [
  { name: 'resident, not of files', share: 0.1, least: 8 * MIB },
  { name: 'data in the heap', share: 0.1, least: 4 * MIB },
  { name: 'code in the heap', share: 0.5, least: 8 * MIB },
  { name: 'external', share: 0.1, least: 4 * MIB },
  { name: 'descriptors', share: 0.1, least: 8 },
  { name: 'files of blobs kept open', share: 0, least: MOST_KEPT_OPEN },
  { name: 'handles', share: 0.1, least: 4 },
  { name: 'files of blobs', share: 0.1, least: 50 },
  { name: 'bytes of blobs', share: 0.15, least: 300 * MIB },
  { name: 'bytes of LevelDB', share: 0.25, least: 16 * MIB },
  { name: 'files of LevelDB', share: 0.25, least: 12 },
]
const SHOWN = [
  'heap, resident',
  'memory of LevelDB',
  'resident, of none of these',
  'heap after a full collection',
  'data after a collection',
  'code after a collection',
  'resident',
  'resident, of files',
  'heap',
  'buffers',
  'sockets',
  'bytes of the audit log',
]

const collectEvery = Number(options['collect-every'])

const directory = await mkdtemp(path.join(tmpdir(), 'coffer-soak-'))
const samples: Sample[] = []
const problems: string[] = []
const minutes = (text: string): number => Number(text) * 60_000

const soak = await openSoak({
  directory,
  seed: options.seed,
  perSecond: Number(options['per-second']),
  workers: Number(options.workers),
  keysPerWorker: Number(options.keys),
  choreMs: Number(options['chore-seconds']) * 1000,
  threads: Number(options.threads),
  ...(options.server === undefined ? {} : { main: options.server }),
})
process.once('exit', () => soak.killNow())
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(1))

const startedAt = Date.now()
const countedFrom = startedAt + minutes(options['warm-up-minutes'])
const endsAt = startedAt + minutes(options.minutes)
console.log(`seed ${options.seed}, pid ${soak.pid}, in ${directory}`)
let collectedAtFirst: Collected | undefined
for (let count = 0; Date.now() < endsAt && soak.running(); count++) {
  await sleep(Number(options['sample-seconds']) * 1000)
  if (!soak.running()) break
  const sample = await soak.sample(count % SAMPLES_A_DISK_LOOK === 0)
  const collects = collectEvery > 0 && count % collectEvery === 0
  samples.push(collects ? { ...sample, values: { ...sample.values, ...named(await soak.collected()) } } : sample)
  if (collectedAtFirst === undefined && Date.now() >= countedFrom) collectedAtFirst = await soak.collected()
  if (count % 30 === 0) console.log(progress())
}
if (!soak.running()) problems.push(`the server ended:\n${soak.output().slice(-4000)}`)
else {
  await soak.stopLoad()
  const collectedAtLast = await soak.collected()
  report(collectedAtFirst ?? collectedAtLast, collectedAtLast)
  problems.push(...(await soak.verify()))
}
problems.push(...soak.violations())
const { counts, checked } = soak.figures()
console.log(
  `\n${Object.entries(counts)
    .map(([name, count]) => `${name} ${count}`)
    .join(', ')}`,
)
console.log(`${checked.objects} objects and ${checked.versions} versions read back, ${checked.bytes} bytes`)
for (const problem of problems) console.log(`PROBLEM: ${problem}`)
if (options.json !== undefined) {
  await writeFile(
    options.json,
    JSON.stringify({ seed: options.seed, counts, checked, problems, samples }, undefined, 1),
  )
}
await soak.close()
if (options.keep) console.log(`kept: ${directory}`)
else await rm(directory, { recursive: true, force: true })
console.log(problems.length === 0 ? 'flat, and nothing lost' : `${problems.length} problems`)
process.exit(problems.length === 0 ? 0 : 1)

function progress(): string {
  const values: Sample['values'] = samples.at(-1)?.values ?? {}
  const mib = (name: string): string => `${((values[name] ?? 0) / MIB).toFixed(0)} MiB`
  const cpu = cpuSeconds(soak.pid)
  return (
    `${((Date.now() - startedAt) / 60_000).toFixed(0)} min: resident ${mib('resident')}, heap ${mib('heap')}, ` +
    `${values['descriptors']} descriptors, blobs ${values['files of blobs'] ?? '?'}, ${cpu.toFixed(0)} s of CPU, ` +
    `${soak.violations().length} violations`
  )
}

function named({ data, code }: Collected): Sample['values'] {
  return { 'data after a collection': data, 'code after a collection': code }
}

function report(collectedAtFirst: Collected, collectedAtLast: Collected): void {
  const counted = samples.filter(({ atMs }) => atMs >= countedFrom)
  const trend = (name: string): Trend | undefined =>
    trendOf(counted.flatMap(({ atMs, values }) => (values[name] === undefined ? [] : [{ atMs, value: values[name] }])))
  console.log('\n| | first quarter | last quarter | lowest | highest | growth in an hour, fitted | |')
  console.log('| --- | --: | --: | --: | --: | --: | --- |')
  for (const bound of BOUNDS) {
    const found = trend(bound.name)
    if (found && grows(found, bound)) problems.push(`${bound.name} grows: ${JSON.stringify(found)}`)
    if (found) console.log(row(bound.name, found, grows(found, bound) ? 'GROWS' : 'flat'))
  }
  for (const name of SHOWN) {
    const found = trend(name)
    if (found) console.log(row(name, found, ''))
  }
  const more = collectedAtLast.data - collectedAtFirst.data
  const told = ({ data, code }: Collected): string => `${mib(data)} of data and ${mib(code)} of code`
  console.log(
    `in use after collections that were asked for: ${told(collectedAtFirst)} after the warm-up, ${told(collectedAtLast)} in the end`,
  )
  if (more > Math.max(6 * MIB, collectedAtFirst.data * 0.1)) problems.push(`data in use grew by ${mib(more)}`)
}

function row(name: string, { first, last, lowest, highest, growthPerHour }: Trend, verdict: string): string {
  const isBytes = highest > MIB
  const say = (value: number): string => (isBytes ? mib(value) : value.toFixed(1))
  return `| ${name} | ${[first, last, lowest, highest, growthPerHour].map(say).join(' | ')} | ${verdict} |`
}

function mib(bytes: number): string {
  return `${(bytes / MIB).toFixed(1)} MiB`
}
