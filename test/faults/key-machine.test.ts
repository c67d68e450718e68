import fc from 'fast-check'
import { describe, it } from 'vitest'
import { COMMANDS } from './keys/commands.ts'
import { checkAll, emptyModel, restart } from './keys/model.ts'
import { keySystem } from './keys/system.ts'

/**
 * COFFER_KEYS_RUNS=<count> runs more sequences, COFFER_KEYS_SEED=<seed> others; a failure says with which seed and path
 * it comes again.
 */
const numRuns = Number(process.env['COFFER_KEYS_RUNS'] ?? 400)
const seed = Number(process.env['COFFER_KEYS_SEED'] ?? 1)
const path = process.env['COFFER_KEYS_PATH']

describe('keys under changes, faults, crashes and restarts', () => {
  it(`open what they should and nothing else, in ${numRuns} sequences`, { timeout: 60_000 + numRuns * 1000 }, () =>
    fc.assert(
      fc.asyncProperty(fc.commands([...COMMANDS], { maxCommands: 60, size: 'max' }), async (commands) => {
        const model = emptyModel()
        const system = await keySystem()
        await fc.asyncModelRun(() => ({ model, real: system }), commands)
        checkAll(model, system)
        await restart(model, system, false)
      }),
      { numRuns, seed, ...(path === undefined ? {} : { path }) },
    ),
  )
})
