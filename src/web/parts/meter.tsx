import { classes } from './class-names.ts'

export interface MeterProps {
  /** What is measured, for those who do not see it. */
  readonly label: string
  /** 0 to `max`. */
  readonly value: number
  readonly max?: number
  readonly tone?: 'dek' | 'brass' | 'ok' | 'warn' | 'bad'
}

/** How far something is. */
export function Meter({ label, value, max = 100, tone = 'dek' }: MeterProps) {
  const percent = max <= 0 ? 0 : Math.min(100, Math.max(0, (100 * value) / max))
  return (
    <span
      class={classes('meter', tone)}
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={Math.round(percent)}
    >
      <span style={{ width: `${percent}%` }} />
    </span>
  )
}

export interface PartsMeterProps {
  readonly label: string
  readonly parts: readonly ('done' | 'running' | 'waiting')[]
}

/** One cell for each part of an upload. */
export const PartsMeter = ({ label, parts }: PartsMeterProps) => {
  const done = parts.filter((part) => part === 'done').length
  return (
    <span
      class="parts-meter"
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={parts.length}
      aria-valuenow={done}
    >
      {parts.map((part, index) => (
        <span key={index} class={part} />
      ))}
    </span>
  )
}
