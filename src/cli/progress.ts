import { type Paint, shown } from './paint.ts'
import { widthOfTerminal } from './streams.ts'
import { sizeText, spanText } from './units.ts'

export type ProgressMode = 'bar' | 'plain' | 'json' | 'none'

/** How far something has come. */
export interface Progress {
  /** `bytes` more are done. */
  readonly add: (bytes: number) => void
  /** A thing that is moved begins; `parts` of it where there are any. */
  readonly begin: (name: string, bytes: number | undefined) => void
  readonly total: (bytes: number, items?: number) => void
  readonly itemDone: () => void
  /** Wipes what was drawn, so that a line can be written. */
  readonly clear: () => void
  readonly end: () => void
}

interface ProgressOptions {
  readonly mode: ProgressMode
  readonly err: NodeJS.WritableStream
  /** Lines of JSON go where the answers go. */
  readonly out: NodeJS.WritableStream
  readonly paint: Paint
}

const EVERY_MS: Readonly<Record<ProgressMode, number>> = {
  bar: 100,
  plain: 10_000,
  json: 1000,
  none: Number.POSITIVE_INFINITY,
}
const BAR_CELLS = 22

export function openProgress({ mode, err, out, paint }: ProgressOptions): Progress {
  const startedMs = performance.now()
  let toldMs = mode === 'bar' ? 0 : startedMs
  let [done, whole, items, itemsDone] = [0, 0, 0, 0]
  let name = ''
  let drawn = false
  const clear = (): void => {
    if (drawn) err.write('\r\u001b[2K')
    drawn = false
  }
  const draw = (): void => {
    const seconds = Math.max((performance.now() - startedMs) / 1000, 0.001)
    const facts = { name, done, whole, items, itemsDone, perSecond: done / seconds }
    if (mode === 'json')
      out.write(
        `${JSON.stringify({ type: 'progress', bytes: done, totalBytes: whole, items: itemsDone, totalItems: items, name })}\n`,
      )
    else if (mode === 'plain') err.write(`  … ${[shown(name), said(facts)].filter(Boolean).join(', ')}\n`)
    else {
      clear()
      err.write(bar(facts, widthOfTerminal(err), paint))
      drawn = true
    }
  }
  const tell = (): void => {
    const nowMs = performance.now()
    if (nowMs - toldMs < EVERY_MS[mode]) return
    toldMs = nowMs
    draw()
  }
  return {
    add: (bytes) => {
      done += bytes
      tell()
    },
    begin: (called) => {
      name = called
      tell()
    },
    total: (bytes, count = 1) => {
      whole = bytes
      items = count
    },
    itemDone: () => {
      itemsDone++
    },
    clear,
    end: clear,
  }
}

interface Facts {
  readonly name: string
  readonly done: number
  readonly whole: number
  readonly items: number
  readonly itemsDone: number
  readonly perSecond: number
}

function said({ done, whole, items, itemsDone, perSecond }: Facts): string {
  const of =
    whole > 0 ? `${Math.floor((100 * done) / whole)} %, ${sizeText(done)} of ${sizeText(whole)}` : sizeText(done)
  const left = whole > done && perSecond > 0 ? `, ${spanText(((whole - done) / perSecond) * 1000)} left` : ''
  return `${of}${items > 1 ? `, ${itemsDone} of ${items}` : ''}, ${sizeText(perSecond)}/s${left}`
}

function bar(facts: Facts, columns: number, paint: Paint): string {
  const share = facts.whole > 0 ? Math.min(facts.done / facts.whole, 1) : 0
  const filled = Math.round(share * BAR_CELLS)
  const text = said(facts)
  const room = Math.max(8, columns - BAR_CELLS - text.length - 5)
  const whole = shown(facts.name)
  const name = whole.length > room ? `…${whole.slice(1 - room)}` : whole
  return ` ${name}  ${paint.green('█'.repeat(filled))}${paint.dim('·'.repeat(BAR_CELLS - filled))}  ${text}`
}
