import { classes } from './class-names.ts'

export interface SealProps {
  /** In pixels. Default: 30. */
  readonly size?: number
  /** Grey: its keys neither wrap nor unwrap. */
  readonly isDisabled?: boolean
  /** Where no words stand beside it. */
  readonly label?: string
}

/** A root key: the brass hexagon. */
export const Seal = ({ size = 30, isDisabled = false, label }: SealProps) => (
  <svg
    class={classes('seal', isDisabled && 'disabled')}
    width={size}
    height={size}
    viewBox="0 0 40 40"
    {...(label === undefined ? { 'aria-hidden': true } : { role: 'img', 'aria-label': label })}
  >
    <path class="seal-body" d="M20 2.5 35.2 11.2v17.6L20 37.500 4.8 28.8V11.2z" />
    <path class="seal-rim" d="M20 6.300 31.9 13.1v13.8L20 33.700 8.1 26.9V13.1z" />
    <g class="seal-key" transform="translate(20 20) scale(.82)">
      <circle cx="-5" cy="4.5" r="4.6" />
      <path d="m-1.6 1.2 9-9M4 -4.4l3.4 3.4" />
    </g>
  </svg>
)
