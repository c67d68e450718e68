import { describe, expect, it } from 'vitest'
import { runScenario } from './harness/run-scenario.ts'
import { shimMissing } from './harness/shim.ts'
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

describe('A store that loses what it acknowledged', () => {
  const powerLoss = SCENARIOS.find(({ name }) => name === 'power-loss')
  const missing = shimMissing()

  it.skipIf(missing !== undefined || powerLoss === undefined).each([
    ['data/blobs/*', false],
    ['data/metadata/#.log', true],
  ])('is found out: syncs of %s that are none', async (lie, acceptsLoss) => {
    if (powerLoss === undefined) return
    const options = { ...SHAPE, rounds: 2, seed: 'control', lie, acceptsLoss, keep: false, say: () => undefined }
    const { violations } = await runScenario(powerLoss, options)
    expect(violations.length).toBeGreaterThan(0)
    // By what clients saw, not by a start that was refused.
    expect(violations.join('\n')).toMatch(/lost|cannot be read|none of the possible/)
  })
})
