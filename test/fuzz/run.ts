import { parseArgs } from 'node:util'
import { keep } from './corpus.ts'
import { fuzz } from './fuzz.ts'
import { TARGETS } from './targets/index.ts'

const HELP = `npm run fuzz -- [--seconds N] [--target NAME] [--seed S]

Tries changed inputs on every reader of what others send or leave on a disk: --seconds N for each (10).
A bad one is made small, kept in test/fuzz/corpus, and printed with the seed that finds it again.
Targets: ${TARGETS.map(({ name }) => name).join(', ')}
`

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '10' },
    target: { type: 'string', multiple: true },
    seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
    help: { type: 'boolean', short: 'h', default: false },
  },
})
if (values.help) {
  process.stdout.write(HELP)
  process.exit(0)
}
const chosen = TARGETS.filter(({ name }) => values.target === undefined || values.target.includes(name))
if (chosen.length === 0) {
  process.stderr.write(HELP)
  process.exit(2)
}
const seed = Number(values.seed)
let bad = 0
process.stdout.write(`seed ${seed}\n`)
for (const target of chosen) {
  const end = performance.now() + Number(values.seconds) * 1000
  const report = await fuzz(target, seed, () => performance.now() > end)
  const { tried, refused, slowest } = report
  process.stdout.write(
    `${target.name}: ${tried} inputs, ${refused} refused, the slowest ${Math.round(slowest.cpuMs)} ms of the processor\n`,
  )
  if (!report.bad) continue
  bad++
  process.stdout.write(`  BAD: ${report.bad.problem}\n  kept in ${keep(target.name, report.bad.input)}\n`)
}
process.exitCode = bad === 0 ? 0 : 1
