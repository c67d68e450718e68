import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { BESIDES } from './harness/rig.ts'
import { runScenario, type ScenarioResult } from './harness/run-scenario.ts'
import { SCENARIOS } from './scenarios/index.ts'

/**
 * Makes things go wrong for a real server under load, again and again, and checks each time that every acknowledged write
 * reads back byte for byte, that nothing half-written shows, that the index equals a recount, and that no space leaks.
 */
const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    /** Of each scenario. */
    rounds: { type: 'string', default: '20' },
    /** Repeats the choices of a run; what the server had done by then still differs. */
    seed: { type: 'string', default: randomBytes(6).toString('hex') },
    /** Rounds that share a data directory; the next ones begin a new one. */
    'per-store': { type: 'string', default: '10' },
    workers: { type: 'string', default: '6' },
    keys: { type: 'string', default: '10' },
    'load-ms': { type: 'string', default: '1500' },
    /** File for the summary. */
    json: { type: 'string' },
    list: { type: 'boolean', default: false },
    keep: { type: 'boolean', default: false },
    server: { type: 'string' },
    /** Places at which syncs do nothing, for power-loss to find: data/blobs/*, data/metadata/#.log, … */
    lie: { type: 'string' },
    /** Starts go on without what was lost: of what --lie loses the model is then to tell. */
    'accept-loss': { type: 'boolean', default: false },
    /** That serve S3. */
    threads: { type: 'string', default: '1' },
    /** File of the places of a walk that were visited: it goes on from there. Several at once share the work by other seeds. */
    visited: { type: 'string' },
    /** Place of a walk, as a violation names it: there alone. */
    at: { type: 'string' },
    /** Goes on besides the load: scrub, backup. May be given twice. */
    with: { type: 'string', multiple: true, default: [] },
  },
})

if (options.list) {
  for (const { name, about } of SCENARIOS) console.log(`${name.padEnd(16)} ${about}`)
  process.exit(0)
}
const unknown = positionals.filter((name) => !SCENARIOS.some((scenario) => scenario.name === name))
if (unknown.length > 0) {
  console.error(`there is no scenario ${unknown.join(', ')}; --list names them`)
  process.exit(2)
}

const besides = BESIDES.filter((one) => options.with.includes(one))
if (besides.length < options.with.length) {
  console.error(`--with takes ${BESIDES.join(', ')}`)
  process.exit(2)
}

const results: ScenarioResult[] = []
for (const scenario of SCENARIOS) {
  if (positionals.length > 0 && !positionals.includes(scenario.name)) continue
  results.push(
    await runScenario(scenario, {
      seed: options.seed,
      rounds: Number(options.rounds),
      perStore: Number(options['per-store']),
      workers: Number(options.workers),
      keysPerWorker: Number(options.keys),
      loadMs: Number(options['load-ms']),
      ...(options.keep ? { keep: true } : {}),
      threads: Number(options.threads),
      besides,
      acceptsLoss: options['accept-loss'],
      say: (line) => console.log(line),
      ...(options.visited === undefined ? {} : { visitedFile: options.visited }),
      ...(options.at === undefined ? {} : { at: options.at }),
      ...(options.lie === undefined ? {} : { lie: options.lie }),
      ...(options.server === undefined ? {} : { main: options.server }),
    }),
  )
}
if (options.json !== undefined) {
  await writeFile(options.json, `${JSON.stringify({ seed: options.seed, scenarios: results }, undefined, 2)}\n`)
}
process.exit(results.every(({ violations }) => violations.length === 0) ? 0 : 1)
