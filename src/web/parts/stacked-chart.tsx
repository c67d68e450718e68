import { useId } from 'preact/hooks'
import { ChartGrid } from './chart-grid.tsx'
import { BOTTOM, HEIGHT, LEFT, niceTop, RIGHT, TOP, WIDTH } from './chart-scale.ts'

export interface StackedChartProps {
  /** What it shows, in a sentence, for those who do not see it. */
  readonly label: string
  /** Milliseconds, in order; two at least. */
  readonly times: readonly number[]
  /** Hatched, at the bottom: of ciphertext under the provider's key. */
  readonly lower: readonly number[]
  /** Brass, on top of it: under root keys of one's own. */
  readonly upper: readonly number[]
  readonly format: (value: number) => string
  readonly formatTime: (time: number) => string
  /** What happened then, in a few words. */
  readonly events?: readonly { readonly at: number; readonly text: string }[]
}

const TICKS = 4

/** Two shares of a whole over time, told apart by hatching as well as by colour. */
export function StackedChart({ label, times, lower, upper, format, formatTime, events = [] }: StackedChartProps) {
  const hatch = useId()
  const sums = lower.map((value, index) => value + (upper[index] ?? 0))
  const top = niceTop(Math.max(0, ...sums))
  const [first = 0, last = 1] = [times[0], times.at(-1)]
  const x = (time: number): number => LEFT + ((time - first) / (last - first || 1)) * (RIGHT - LEFT)
  const y = (value: number): number => BOTTOM - (value / top) * (BOTTOM - TOP)
  const pointsOf = (values: readonly number[]): readonly string[] =>
    times.map((time, index) => `${x(time).toFixed(1)} ${y(values[index] ?? 0).toFixed(1)}`)
  const lowerLine = `M${pointsOf(lower).join('L')}`
  const upperLine = `M${pointsOf(sums).join('L')}`
  const ground = `L${x(last).toFixed(1)} ${BOTTOM}L${x(first).toFixed(1)} ${BOTTOM}Z`
  return (
    <figure class="chart">
      <svg
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        role="img"
        aria-label={[label, ...events.map(({ text }) => text)].join('; ')}
      >
        <defs>
          <pattern id={hatch} width="7" height="7" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
            <rect class="hatch-ground" width="7" height="7" />
            <line class="hatch-line" x1="0" x2="0" y1="0" y2="7" />
          </pattern>
        </defs>
        <ChartGrid left={LEFT} right={RIGHT} top={top} y={y} format={format} />
        <path d={`${lowerLine}${ground}`} fill={`url(#${hatch})`} />
        <path class="area-brass" d={`${upperLine}L${pointsOf(lower).toReversed().join('L')}Z`} />
        <path class="line line-ct" d={lowerLine} />
        <path class="line line-brass" d={upperLine} />
        {events.map(({ at, text }) => (
          <g key={`${at} ${text}`}>
            <line class="event-line" x1={x(at)} x2={x(at)} y1={TOP - 6} y2={BOTTOM} />
            <text
              class="axis event"
              x={x(at) + (x(at) > (LEFT + RIGHT) / 2 ? -5 : 5)}
              y={TOP}
              text-anchor={x(at) > (LEFT + RIGHT) / 2 ? 'end' : 'start'}
            >
              {text}
            </text>
          </g>
        ))}
        {Array.from({ length: TICKS }, (_, index) => first + ((last - first) * index) / (TICKS - 1)).map((time, at) => (
          <text
            key={time}
            class="axis"
            x={x(time)}
            y={HEIGHT - 4}
            text-anchor={at === 0 ? 'start' : at === TICKS - 1 ? 'end' : 'middle'}
          >
            {at === TICKS - 1 ? 'now' : formatTime(time)}
          </text>
        ))}
      </svg>
    </figure>
  )
}
