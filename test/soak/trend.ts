/** One value at one time. */
export interface Point {
  readonly atMs: number
  readonly value: number
}

/** How a value changed over the time that was looked at. */
export interface Trend {
  /** Of the least-squares line, from its beginning to its end. */
  readonly growth: number
  readonly growthPerHour: number
  /** In the middle of the first quarter of the time, and of the last. */
  readonly first: number
  readonly last: number
  readonly lowest: number
  readonly highest: number
  readonly points: number
}

const HOUR_MS = 3_600_000

/** Undefined for fewer than four points: they tell nothing. */
export function trendOf(points: readonly Point[]): Trend | undefined {
  const [start, end] = [points[0], points.at(-1)]
  if (points.length < 4 || start === undefined || end === undefined) return undefined
  const meanAt = mean(points.map(({ atMs }) => atMs))
  const meanValue = mean(points.map(({ value }) => value))
  const together = mean(points.map(({ atMs, value }) => (atMs - meanAt) * (value - meanValue)))
  const spread = mean(points.map(({ atMs }) => (atMs - meanAt) ** 2))
  const perMs = spread === 0 ? 0 : together / spread
  const quarter = Math.ceil(points.length / 4)
  const values = points.map(({ value }) => value)
  return {
    growth: perMs * (end.atMs - start.atMs),
    growthPerHour: perMs * HOUR_MS,
    first: median(values.slice(0, quarter)),
    last: median(values.slice(-quarter)),
    lowest: Math.min(...values),
    highest: Math.max(...values),
    points: points.length,
  }
}

/** A value that may stay where it is or fall, and grow no more than noise does. */
export interface Bound {
  readonly name: string
  /** Of what the value was at first. */
  readonly share: number
  /** What is let pass however small the value is. */
  readonly least: number
}

/** Both the line and the quarters must say so: a line is drawn by its outliers, quarters by the hour. */
export function grows({ growth, first, last }: Trend, { share, least }: Bound): boolean {
  const allowed = Math.max(first * share, least)
  return growth > allowed && last - first > allowed / 2
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0
}
