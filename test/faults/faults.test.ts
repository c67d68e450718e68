import { expect, it } from 'vitest'
import { runScenario } from './harness/run-scenario.ts'
import { SCENARIOS } from './scenarios/index.ts'

/** Of each scenario a little, always the same choices. `npm run faults` runs more. */
const ROUNDS: Readonly<Record<string, number>> = { steps: 2, 'disk-errors': 2, 'power-loss': 2, 'full-disk': 2 }
const SHAPE = { perStore: 3, workers: 3, keysPerWorker: 5, loadMs: 300 }

for (const scenario of SCENARIOS) {
  const missing = await scenario.missing?.()
  const name = `${scenario.name}: loses nothing that was acknowledged`
  it.skipIf(missing !== undefined)(missing === undefined ? name : `${name} (NOT RUN: ${missing})`, async () => {
    const rounds = ROUNDS[scenario.name] ?? 1
    const said: string[] = []
    const result = await runScenario(scenario, { ...SHAPE, rounds, seed: 'daily', say: (line) => said.push(line) })
    expect(result.violations, said.join('\n')).toEqual([])
    expect(result).toMatchObject({ rounds })
  })
}
