const BASIC_FORMAT = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/

/** Nearly all requests of a second name the same time, and each asks twice for it: 3 µs of a request. */
let last = { text: '', timeMs: 0 }

/** Milliseconds of `yyyymmddThhmmssZ`; undefined unless it is that form and a real date and time. */
export function parseAmzDate(text: string): number | undefined {
  if (text === last.text) return last.timeMs
  const timeMs = parsed(text)
  if (timeMs !== undefined) last = { text, timeMs }
  return timeMs
}

function parsed(text: string): number | undefined {
  const match = BASIC_FORMAT.exec(text)
  if (match === null) return undefined
  const [, year, month, day, hour, minute, second] = match.map(Number)
  const time = Date.UTC(year ?? 0, (month ?? 0) - 1, day, hour, minute, second)
  // Date.UTC carries overflow: 30 February would become 2 March.
  return formatAmzDate(time) === text ? time : undefined
}

export const formatAmzDate = (time: number): string =>
  `${new Date(time).toISOString().slice(0, 19).replaceAll('-', '').replaceAll(':', '')}Z`
