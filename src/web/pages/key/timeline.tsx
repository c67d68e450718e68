import { useId } from 'preact/hooks'
import type { VersionUsage } from '../../client/admin.ts'
import { keyLabel } from '../../client/key-protect.ts'
import { counted, formatExact } from '../../format.ts'
import { rotationOf } from '../keys/key-facts.ts'
import type { Pause, WholeKey } from './read-key.ts'
import { timeScale } from './timeline-scale.ts'

const WIDTH = 1100
const LEFT = 40
const TODAY = 900
const LINE = 40
const BAR = 28
const TOP = 30
/** Of the newest: older ones are summed up in words. */
const MOST_LINES = 6
/** Room for the two strokes that tell a pause without its colour. */
const MIN_PAUSE = 14
const date = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', year: 'numeric' })

export interface TimelineProps extends Pick<WholeKey, 'rootKey' | 'versions' | 'usage'> {
  readonly pauses: readonly Pause[]
}

/** A bar for each version while it wrapped, a dashed one for as long as it only unwraps, and what is planned. */
export function Timeline({ rootKey, versions, usage, pauses }: TimelineProps) {
  const hatch = useId()
  const nowMs = Date.now()
  const shown = versions.slice(0, MOST_LINES).toReversed()
  const [first] = shown
  if (!first) return null
  const scale = timeScale(Date.parse(first.creationDate), nowMs, LEFT, TODAY)
  const planned = rotationOf(rootKey, nowMs)
  const height = TOP + shown.length * LINE
  const numberOf = (index: number): number => versions.length - shown.length + index + 1
  const lastTop = TOP + (shown.length - 1) * LINE
  const countOf = (id: string) => usage?.versions.find(({ keyVersion }) => keyVersion === id)
  return (
    <svg class="timeline" viewBox={`0 0 ${WIDTH} ${height + 46}`} role="img" aria-label={inWords()}>
      <defs>
        <pattern id={hatch} width="8" height="8" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
          <rect width="2.5" height="8" class="timeline-hatch" />
        </pattern>
      </defs>
      {scale.ticks.map(({ ms, label }) => (
        <g key={ms}>
          <line class="timeline-grid" x1={scale.x(ms)} x2={scale.x(ms)} y1="20" y2={height + 10} />
          <text
            class="axis"
            x={scale.x(ms)}
            y={height + 30}
            text-anchor={ms === scale.ticks[0]?.ms ? 'start' : 'middle'}
          >
            {label}
          </text>
        </g>
      ))}
      <line class="timeline-now" x1={TODAY} x2={TODAY} y1="14" y2={height + 12} />
      <circle class="timeline-now-dot" cx={TODAY} cy="14" r="4" />
      <text class="axis now" x={TODAY} y={height + 30} text-anchor="middle">
        now
      </text>
      {shown.map((version, index) => {
        const next = shown[index + 1]
        const from = scale.x(Date.parse(version.creationDate))
        const until = next ? scale.x(Date.parse(next.creationDate)) : TODAY
        const width = Math.max(34, until - from - 2)
        const y = TOP + index * LINE
        const words = wordsOf(countOf(version.id))
        const isLast = next === undefined
        const fitsInside = width > 60 + words.length * 6.4
        const isRoomBefore = from - LEFT > words.length * 6.4 + 10
        return (
          <g key={version.id}>
            <title>{`v${numberOf(index)}, since ${formatExact(version.creationDate)}`}</title>
            {!isLast && until + 36 < TODAY && (
              <>
                <rect
                  class="timeline-unwraps"
                  x={from + width + 2}
                  y={y}
                  width={TODAY - from - width - 4}
                  height={BAR}
                  rx="8"
                />
                {TODAY - from - width > 90 && (
                  <text class="axis" x={(from + width + TODAY) / 2} y={y + 18.5} text-anchor="middle">
                    unwrap only
                  </text>
                )}
              </>
            )}
            <rect
              class={isLast ? 'timeline-bar newest' : 'timeline-bar'}
              x={from}
              y={y}
              width={width}
              height={BAR}
              rx="8"
            />
            <text class={isLast ? 'timeline-name newest' : 'timeline-name'} x={from + 10} y={y + 18.5}>
              v{numberOf(index)}
            </text>
            {words !== '' && (fitsInside || isRoomBefore) && (
              <text
                class={fitsInside && isLast ? 'axis on-brass' : 'axis strong'}
                x={fitsInside ? from + 38 : from - 10}
                y={y + 18.5}
                text-anchor={fitsInside ? 'start' : 'end'}
              >
                {words}
              </text>
            )}
          </g>
        )
      })}
      {pauses.map(({ fromMs, untilMs }) => {
        const row = shown.findLastIndex(({ creationDate }) => Date.parse(creationDate) <= fromMs)
        const width = Math.max(MIN_PAUSE, (untilMs === undefined ? TODAY : scale.x(untilMs)) - scale.x(fromMs))
        const from = Math.min(scale.x(fromMs), TODAY - width)
        const y = TOP + row * LINE - 4
        return row < 0 ? null : (
          <g key={fromMs} class="timeline-pause">
            <title>{wordsOfPause({ fromMs, untilMs })}</title>
            <rect x={from} y={y} width={width} height={BAR + 8} rx="3" />
            <path d={`M${from + width / 2 - 2.5} ${y + 12}v12m5 -12v12`} />
          </g>
        )
      })}
      {planned && (
        <>
          <rect x={TODAY + 2} y={lastTop} width="78" height={BAR} fill={`url(#${hatch})`} />
          <path
            class="timeline-planned"
            transform={`translate(${TODAY + 92} ${lastTop + BAR / 2})`}
            d="M0 -14 12.2 -7v14L0 14-12.2 7v-14z"
          />
          <text class="axis strong" x={TODAY + 112} y={lastTop + 11}>
            v{versions.length + 1} planned
          </text>
          <text class="axis" x={TODAY + 112} y={lastTop + 25}>
            {date.format(planned.atMs)}
          </text>
        </>
      )}
    </svg>
  )

  function inWords(): string {
    const made = shown.map((version, index) => `version ${numberOf(index)} of ${formatExact(version.creationDate)}`)
    return [
      `${keyLabel(rootKey)}: ${made.join(', ')}`,
      ...pauses.map(wordsOfPause),
      ...(planned ? [`next rotation ${date.format(planned.atMs)}`] : []),
    ].join('; ')
  }
}

const wordsOf = (usage: VersionUsage | undefined): string =>
  usage === undefined || usage.objects === 0 ? '' : counted(usage.objects, 'data key')

export const wordsOfPause = ({ fromMs, untilMs }: Pause): string =>
  untilMs === undefined
    ? `disabled since ${formatExact(fromMs)}`
    : `disabled from ${formatExact(fromMs)} to ${formatExact(untilMs)}`
