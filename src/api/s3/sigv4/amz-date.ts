const BASIC_FORMAT = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/

/** Milliseconds of `yyyymmddThhmmssZ`; undefined unless it is that form and a real date and time. */
export function parseAmzDate(text: string): number | undefined {
  const match = BASIC_FORMAT.exec(text)
  if (match === null) return undefined
  const [, year, month, day, hour, minute, second] = match.map(Number)
  const time = Date.UTC(year ?? 0, (month ?? 0) - 1, day, hour, minute, second)
  // Date.UTC carries overflow: 30 February would become 2 March.
  return formatAmzDate(time) === text ? time : undefined
}

export const formatAmzDate = (time: number): string =>
  `${new Date(time).toISOString().slice(0, 19).replaceAll('-', '').replaceAll(':', '')}Z`
