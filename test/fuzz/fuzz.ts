import fc from 'fast-check'
import { keptInputs } from './corpus.ts'
import { mutated } from './mutate.ts'
import { randomFrom } from './random.ts'
import type { FuzzTarget } from './target.ts'
import { smallest, tryInput } from './try-input.ts'

const MAX_BYTES = 16 * 1024
/** Inputs with a shape are made this many at a time. */
const SHAPED = 20

export interface FuzzReport {
  readonly tried: number
  readonly refused: number
  readonly slowest: { readonly input: Buffer; readonly cpuMs: number }
  readonly bad?: { readonly input: Buffer; readonly problem: string }
}

/** Tries inputs until `enough` says so; all that is kept and every seed first. Ends with the first bad one. */
export async function fuzz(target: FuzzTarget, seed: number, enough: (tried: number) => boolean): Promise<FuzzReport> {
  let tried = 0
  let refused = 0
  let slowest: FuzzReport['slowest'] = { input: Buffer.alloc(0), cpuMs: 0 }
  for (const input of inputsOf(target, seed)) {
    if (tried >= target.seeds.length + keptInputs(target.name).length && enough(tried)) break
    const result = await tryInput(target, input)
    tried++
    if (result.refused) refused++
    if (result.cpuMs > slowest.cpuMs) slowest = { input, cpuMs: result.cpuMs }
    if (result.problem === undefined) continue
    const small = await smallest(target, input)
    const { problem = result.problem } = await tryInput(target, small)
    return { tried, refused, slowest, bad: { input: small, problem } }
  }
  return { tried, refused, slowest }
}

function* inputsOf(target: FuzzTarget, seed: number): Generator<Buffer> {
  const { name, seeds, inputs, words = [], maxBytes = MAX_BYTES } = target
  const kept = keptInputs(name).map(({ bytes }) => bytes)
  yield* seeds
  yield* kept
  const random = randomFrom(seed)
  const sources = [...seeds, ...kept]
  for (let round = 0; ; round++) {
    const shaped = inputs ? fc.sample(inputs, { seed: seed + round, numRuns: SHAPED }) : []
    for (const input of shaped) if (input.length <= maxBytes) yield input
    for (let index = 0; index < SHAPED * 2; index++) {
      const bases = shaped.length > 0 && random.below(3) === 0 ? shaped : sources
      yield mutated(bases, words, maxBytes, random)
    }
  }
}
