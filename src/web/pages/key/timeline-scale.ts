/** Where times stand: from `fromMs` at `left` to `toMs` at `right`. */
export interface TimeScale {
  readonly x: (ms: number) => number
  readonly ticks: readonly { readonly ms: number; readonly label: string }[]
}

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS
const MOST_TICKS = 5

const clock = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' })
const day = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short' })
const month = new Intl.DateTimeFormat('en-GB', { month: 'short', year: 'numeric' })

export function timeScale(fromMs: number, toMs: number, left: number, right: number): TimeScale {
  const span = Math.max(MINUTE_MS, toMs - fromMs)
  const format = span > 180 * DAY_MS ? month : span > 2 * DAY_MS ? day : clock
  const x = (ms: number): number => left + ((right - left) * (ms - fromMs)) / span
  const step = span / MOST_TICKS
  const ticks = Array.from({ length: MOST_TICKS }, (_, index) => fromMs + index * step)
  const labelled = ticks.map((ms) => ({ ms, label: format.format(ms) }))
  return { x, ticks: labelled.filter(({ label }, index) => label !== labelled[index - 1]?.label) }
}
