import { readFile, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'

export interface LiveMemory {
  /** For the process that is to be looked into. */
  readonly nodeOptions: readonly string[]
  /** Its heap and the memory of its buffers, after its garbage has been collected. */
  readonly inUseBytes: (pid: number) => Promise<number>
}

const POLL_MS = 50

/** `dir` takes a few small files. */
export async function liveMemory(dir: string): Promise<LiveMemory> {
  const script = path.join(dir, 'tell-memory.mjs')
  const told = path.join(dir, 'memory')
  await writeFile(script, tellOnSignal(told))
  return {
    nodeOptions: ['--expose-gc', '--import', pathToFileURL(script).href],
    inUseBytes: async (pid) => {
      await rm(told, { force: true })
      process.kill(pid, 'SIGUSR2')
      for (;;) {
        await sleep(POLL_MS)
        const text = await readFile(told, 'utf8').catch(() => '')
        if (text.endsWith('\n')) return Number(text)
      }
    },
  }
}

// Finalizers give memory back in turns of their own, so one collection is not enough.
const tellOnSignal = (file: string): string => `
import { writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
process.on('SIGUSR2', async () => {
  for (let count = 0; count < 3; count++) {
    globalThis.gc()
    await sleep(100)
  }
  const { heapUsed, external } = process.memoryUsage()
  writeFileSync(${JSON.stringify(file)}, heapUsed + external + '\\n')
})
`
