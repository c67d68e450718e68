import { Session } from 'node:inspector'

/** How often blocks of code were entered: the same on every machine, however busy. */
export async function stepsOf(action: () => unknown): Promise<number> {
  const session = new Session()
  session.connect()
  try {
    session.post('Profiler.enable')
    session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true })
    try {
      await action()
    } catch {
      // What it comes to was looked at before.
    }
    let steps = 0
    session.post('Profiler.takePreciseCoverage', (_error, taken) => {
      for (const { url, functions } of taken?.result ?? []) {
        if (url === import.meta.url) continue
        for (const { ranges } of functions) for (const { count } of ranges) steps += count
      }
    })
    return steps
  } finally {
    session.disconnect()
  }
}
