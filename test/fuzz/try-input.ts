import type { FuzzTarget } from './target.ts'

/**
 * Processor time of this thread alone, which others cannot use up: an input of 16 KiB takes some milliseconds. What is over
 * it repeats itself in a way that grows faster than the input.
 */
const MAX_CPU_MS = 1500

export interface Tried {
  /** What is wrong: the reader threw what it may not, gave a wrong result, or took too long. */
  readonly problem?: string
  readonly refused: boolean
  readonly cpuMs: number
}

export async function tryInput(target: FuzzTarget, input: Buffer): Promise<Tried> {
  const before = process.threadCpuUsage()
  let problem: string | undefined
  let refused = false
  try {
    // A copy: readers hand out views, and some erase what they were given.
    const given = Buffer.from(input)
    const result = target.run(given)
    if (result instanceof Promise) await result
  } catch (error) {
    refused = true
    if (!target.mayThrow(error)) problem = error instanceof Error ? (error.stack ?? error.message) : String(error)
  }
  const { user, system } = process.threadCpuUsage(before)
  const cpuMs = (user + system) / 1000
  if (problem === undefined && cpuMs > MAX_CPU_MS) problem = `took ${cpuMs} ms of the processor`
  return { refused, cpuMs, ...(problem === undefined ? {} : { problem }) }
}

/** Leaves out of a bad input what it is bad without. */
export async function smallest(target: FuzzTarget, input: Buffer): Promise<Buffer> {
  let small = input
  for (let piece = Math.ceil(small.length / 2); piece >= 1; piece = piece > 1 ? Math.ceil(piece / 2) : 0) {
    for (let at = 0; at < small.length; ) {
      const shorter = Buffer.concat([small.subarray(0, at), small.subarray(at + piece)])
      const { problem } = await tryInput(target, shorter)
      if (problem === undefined) at += piece
      else small = shorter
    }
  }
  return small
}
