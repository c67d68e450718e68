import { describe, expect, it } from 'vitest'
import { keptTargets } from './corpus.ts'
import { fuzz } from './fuzz.ts'
import { stepsOf } from './steps.ts'
import { TARGETS } from './targets/index.ts'
import { tryInput } from './try-input.ts'

const INPUTS = 400
const SEED = Date.now() % 2 ** 31
/** Of the slowest input: no reader looks at a byte more often than this, or begins with more work than that of 2,000 bytes. */
const STEPS_A_BYTE = 1000

describe('Inputs that were changed', () => {
  it.each(TARGETS.map((target) => ({ name: target.name, target })))(
    'are read or refused, as they should be: $name',
    async ({ target }) => {
      const report = await fuzz(target, SEED, (tried) => tried >= INPUTS)
      const { bad, slowest } = report
      // The whole of it, to be put into test/fuzz/corpus; the seed finds it again.
      expect(bad && { seed: SEED, problem: bad.problem, base64: bad.input.toString('base64') }).toBeUndefined()
      expect(report.refused).toBeLessThan(report.tried)
      const steps = await stepsOf(() => target.run(Buffer.from(slowest.input)))
      expect(steps).toBeLessThan(STEPS_A_BYTE * (slowest.input.length + 2000))
    },
  )

  it('begin with valid ones', async () => {
    for (const target of TARGETS) {
      for (const seed of target.seeds) {
        const { refused, problem } = await tryInput(target, seed)
        expect([target.name, seed.toString('latin1').slice(0, 200), refused, problem]).toEqual([
          ...[target.name, seed.toString('latin1').slice(0, 200), false, undefined],
        ])
      }
    }
  })

  it('are kept for readers that there are', () => {
    const names = new Set(TARGETS.map(({ name }) => name))
    expect(keptTargets().filter((name) => !names.has(name))).toEqual([])
  })
})
