import { useId } from 'preact/hooks'
import { classes } from './class-names.ts'

export interface EnvelopeProps {
  /** `broken`: the seal cannot be opened. */
  readonly state?: 'sealed' | 'provider' | 'broken'
  /** What is drawn, in words. */
  readonly label?: string
}

const BLOCKS = [64, 98, 132, 166, 200, 234, 268]

/** The whole of it: a data key in an envelope, under the seal of a root key, over the blocks that it encrypts. */
export function Envelope({ state = 'sealed', label = LABEL }: EnvelopeProps) {
  const hatch = useId()
  const paper = useId()
  return (
    <svg class={classes('envelope', state)} viewBox="0 0 360 214" role="img" aria-label={label}>
      <defs>
        <pattern id={hatch} width="8" height="8" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
          <rect width="3.4" height="8" fill="#fff" fill-opacity=".38" />
        </pattern>
        <linearGradient id={paper} x1="0" y1="0" x2="0" y2="1">
          <stop class="paper-top" offset="0" />
          <stop class="paper-bottom" offset="1" />
        </linearGradient>
      </defs>
      <g class="card-in">
        <rect x="104" y="14" width="152" height="92" rx="8" />
        <g class="card-key">
          <circle cx="126" cy="36" r="6" />
          <path d="m130.5 32 11-9M137 26.500l3.5 3.5" />
        </g>
        <text x="150" y="34" class="card-title">
          Data key
        </text>
        <text x="150" y="49" class="card-text">
          one per object
        </text>
      </g>
      <path
        class="paper"
        fill={`url(#${paper})`}
        d="M84 66h192a10 10 0 0 1 10 10v72a10 10 0 0 1-10 10H84a10 10 0 0 1-10-10V76a10 10 0 0 1 10-10z"
      />
      <path class="fold" d="M77 154 150 106M283 154 210 106" />
      <path class="flap" d="M77 70 172 128a16 16 0 0 0 16 0L283 70" />
      <g class="wax" transform="translate(180 128)">
        <path class="wax-body" d="M0 -29 25 -14.500v29L0 29-25 14.500v-29z" />
        <path class="wax-rim" d="M0 -23 20 -11.500v23L0 23-20 11.500v-23z" />
        <g class="wax-key">
          <circle cx="-5" cy="5" r="5.2" />
          <path d="m-1.2 1.2 10.500-10.500M4.800 -5l3.800 3.800" />
        </g>
        {state === 'broken' && <path class="wax-crack" d="M-38 -34 38 34" />}
      </g>
      {BLOCKS.map((x) => (
        <g key={x} transform={`translate(${x} 178)`}>
          <rect class="block-body" width="28" height="26" rx="5" />
          <rect width="28" height="26" rx="5" fill={`url(#${hatch})`} />
        </g>
      ))}
      <path class="thread" d="M180 160v13" />
    </svg>
  )
}

const LABEL = 'An envelope sealed with the root key; inside, a data key; below, encrypted blocks of your objects'
