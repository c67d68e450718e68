const UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'] as const

/** `1.24 TB`: powers of ten, three digits. */
export function sizeText(bytes: number): string {
  let value = bytes
  let unit = 0
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000
    unit++
  }
  const digits = unit === 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2
  return `${value.toFixed(digits)} ${UNITS[unit]}`
}

const SIZE = /^(\d+(?:\.\d+)?) *(?:([kmgtp]?)(i?)b?)$/i

/** `8MiB`, `5 MB`, `1000`; undefined for what is no size. */
export function readSize(text: string): number | undefined {
  const [, digits, prefix = '', binary] = SIZE.exec(text.trim()) ?? []
  if (digits === undefined) return undefined
  const power = prefix === '' ? 0 : 'kmgtp'.indexOf(prefix.toLowerCase()) + 1
  return Math.round(Number(digits) * (binary ? 1024 : 1000) ** power)
}

const SPANS = [
  [86_400_000 * 365, 'y'],
  [86_400_000, 'd'],
  [3_600_000, 'h'],
  [60_000, 'min'],
  [1000, 's'],
] as const

/** `3 h`, `20 min`, `now` */
export function spanText(ms: number): string {
  const found = SPANS.find(([length]) => ms >= length)
  return found ? `${Math.floor(ms / found[0])} ${found[1]}` : 'now'
}

/** `3 h ago`, `in 9 d`. Empty for no time. */
export function whenText(time: Date | string | undefined, nowMs: number): string {
  const at = time === undefined ? Number.NaN : new Date(time).getTime()
  if (Number.isNaN(at)) return ''
  const span = spanText(Math.abs(nowMs - at))
  return span === 'now' ? span : at <= nowMs ? `${span} ago` : `in ${span}`
}

/** `2026-11-22T23:52:08Z  (1 h ago)`. Empty for no time. */
export const timeText = (time: string | undefined, nowMs: number): string =>
  time === undefined || time === '' ? '' : `${time}  (${whenText(time, nowMs)})`

const LENGTHS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, min: 60_000, h: 3_600_000, d: 86_400_000 }

/** `15m`, `1h`, `7d`, in milliseconds; undefined for what is no span of time. */
export function readSpan(text: string): number | undefined {
  const [, digits, unit = ''] = /^(\d+) *(s|m|min|h|d)$/.exec(text.trim()) ?? []
  const length = LENGTHS[unit]
  return digits === undefined || length === undefined ? undefined : Number(digits) * length
}

export const countText = (count: number, what: string): string =>
  `${count.toLocaleString('en-US')} ${what}${count === 1 ? '' : /[sx]$|ch$/.test(what) ? 'es' : 's'}`
