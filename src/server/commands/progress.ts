import type { Streams } from './command.ts'

const EVERY_MS = 2000

/** A line now and then, on standard error: what a script reads stays as it is. */
export function progressLine({ err }: Pick<Streams, 'err'>, now: () => number = performance.now.bind(performance)) {
  let toldAt = now()
  return (text: () => string): void => {
    if (now() - toldAt < EVERY_MS) return
    toldAt = now()
    err.write(`  … ${text()}\n`)
  }
}
