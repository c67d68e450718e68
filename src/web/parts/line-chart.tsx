import { ChartGrid } from './chart-grid.tsx'
import { BOTTOM, HEIGHT, LEFT, niceTop, RIGHT, TOP, WIDTH } from './chart-scale.ts'
import { classes } from './class-names.ts'

export interface Series {
  readonly name: string
  readonly tone: 'dek' | 'ok' | 'bad' | 'brass' | 'ct' | 'warn'
  /** One for each time; null: there is none. */
  readonly values: readonly (number | null)[]
  /** What is under the line is filled. */
  readonly isArea?: boolean
}

export interface LineChartProps {
  /** What it shows, in a sentence, for those who do not see it. */
  readonly label: string
  /** Milliseconds, in order; the last one is under way: its values are not drawn, for they have yet to grow. */
  readonly times: readonly number[]
  readonly series: readonly Series[]
  readonly format: (value: number) => string
}

const MOST_POINTS = 180

/** Lines over time, in shapes as well as colours: areas, lines, and a legend in words. */
export function LineChart({ label, times, series, format }: LineChartProps) {
  const points = thinned(
    times.slice(0, -1),
    series.map((one) => ({ ...one, values: one.values.slice(0, -1) })),
  )
  const top = niceTop(Math.max(0, ...points.series.flatMap(({ values }) => values.map((value) => value ?? 0))))
  const [first = 0, last = 1] = [times[0], times.at(-1)]
  const drawnTo = points.times.at(-1) ?? first
  const x = (time: number): number =>
    last === first ? RIGHT : LEFT + ((time - first) / (last - first)) * (RIGHT - LEFT)
  const y = (value: number): number => BOTTOM - (value / top) * (BOTTOM - TOP)
  return (
    <figure class="chart">
      <figcaption class="legend">
        {series.map(({ name, tone }) => (
          <span key={name}>
            <span class={classes('swatch', `fill-${tone}`)} />
            {name}
          </span>
        ))}
      </figcaption>
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={label}>
        <ChartGrid left={LEFT} right={RIGHT} top={top} y={y} format={format} />
        {points.series.map(({ name, tone, values, isArea }) => {
          const line = pathOf(points.times, values, x, y)
          return (
            <g key={name}>
              {isArea && line !== '' && (
                <path
                  class={`area-${tone}`}
                  d={`${line}L${x(drawnTo).toFixed(1)} ${BOTTOM}L${x(first).toFixed(1)} ${BOTTOM}Z`}
                />
              )}
              <path class={`line line-${tone}`} d={line} />
              {lonely(points.times, values).map(({ time, value }) => (
                <circle key={time} class={`dot-${tone}`} cx={x(time)} cy={y(value)} r="3" />
              ))}
            </g>
          )
        })}
        <text class="axis" x={LEFT} y={HEIGHT - 4}>
          {clock.format(first)}
        </text>
        <text class="axis" x={RIGHT} y={HEIGHT - 4} text-anchor="end">
          now
        </text>
      </svg>
    </figure>
  )
}

const clock = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' })

/** As many points as can be told apart: each is the mean of those that it stands for. */
function thinned(times: readonly number[], series: readonly Series[]): Pick<LineChartProps, 'times' | 'series'> {
  const step = Math.ceil(times.length / MOST_POINTS)
  if (step <= 1) return { times, series }
  const starts = times.filter((_, index) => index % step === 0).map((_, index) => index * step)
  const mean = (values: readonly (number | null)[], start: number): number | null => {
    const known = values.slice(start, start + step).filter((value) => value !== null)
    return known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0) / known.length
  }
  return {
    times: starts.map((start) => times[Math.min(start + step, times.length) - 1] ?? 0),
    series: series.map((one) => ({ ...one, values: starts.map((start) => mean(one.values, start)) })),
  }
}

/** The only one of a series, which makes no line. */
function lonely(times: readonly number[], values: readonly (number | null)[]) {
  const known = times.flatMap((time, index) => {
    const value = values[index]
    return value === null || value === undefined ? [] : [{ time, value }]
  })
  return known.length === 1 ? known : []
}

function pathOf(
  times: readonly number[],
  values: readonly (number | null)[],
  x: (time: number) => number,
  y: (value: number) => number,
): string {
  let path = ''
  for (const [index, time] of times.entries()) {
    const value = values[index]
    if (value === null || value === undefined) continue
    path += `${path === '' ? 'M' : 'L'}${x(time).toFixed(1)} ${y(value).toFixed(1)}`
  }
  return path
}
