const UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB', 'EB']

/** In powers of ten, three digits at least: `18.4 MB`. */
export function formatBytes(bytes: number): string {
  if (!Number.isFinite(bytes) || bytes < 0) return '–'
  let unit = 0
  let value = bytes
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000
    unit++
  }
  const digits = unit === 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2
  return `${value.toFixed(digits)} ${UNITS[unit]}`
}

const numbers = new Intl.NumberFormat('en')
export const formatCount = (count: number): string => numbers.format(count)

/** `1 bucket`, `3 buckets` */
export const counted = (count: number, one: string, many = `${one}s`): string =>
  `${formatCount(count)} ${count === 1 ? one : many}`

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
const date = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', year: 'numeric' })
const dayAndMonth = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short' })
const exact = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'long' })

/** How long ago, or in how long: `2 min ago`, `yesterday`, `in 9 days`, `14 Nov 2023`. */
export function formatAgo(iso: string | number, nowMs: number = Date.now()): string {
  const at = typeof iso === 'number' ? iso : Date.parse(iso)
  if (Number.isNaN(at)) return '–'
  const elapsed = nowMs - at
  const span = Math.abs(elapsed)
  if (span < 45_000) return 'just now'
  const text =
    span < HOUR
      ? `${Math.max(1, Math.round(span / MINUTE))} min`
      : span < DAY
        ? `${Math.round(span / HOUR)} h`
        : `${Math.round(span / DAY)} days`
  if (elapsed < 0) return span < 400 * DAY ? `in ${text === '1 days' ? '1 day' : text}` : date.format(at)
  if (text === '1 days') return 'yesterday'
  if (span < 7 * DAY) return `${text} ago`
  return new Date(at).getFullYear() === new Date(nowMs).getFullYear() ? dayAndMonth.format(at) : date.format(at)
}

/** For a tooltip. */
export const formatExact = (iso: string | number): string => {
  const at = typeof iso === 'number' ? iso : Date.parse(iso)
  return Number.isNaN(at) ? '' : exact.format(at)
}

/** A length of time, in its two greatest units: `2 h 5 min`. */
export function formatSpan(ms: number): string {
  const seconds = Math.round(ms / 1000)
  if (seconds < 1) return 'less than a second'
  const minutes = Math.floor(seconds / 60)
  const hours = Math.floor(minutes / 60)
  const days = Math.floor(hours / 24)
  if (days > 0) return `${days} d ${hours % 24} h`
  if (hours > 0) return `${hours} h ${minutes % 60} min`
  return minutes > 0 ? `${minutes} min ${seconds % 60} s` : `${seconds} s`
}

export const formatPercent = (part: number, whole: number): string =>
  whole === 0 ? '0 %' : `${Math.floor((100 * part) / whole)} %`

/** The last segment of a CRN: a key id, a bucket name. */
export const lastOfCrn = (crn: string): string => crn.slice(crn.lastIndexOf(':') + 1)

/** `8f1c2d7e…9e21` */
export const shortId = (id: string): string => (id.length <= 13 ? id : `${id.slice(0, 8)}…${id.slice(-4)}`)
