import { useId } from 'preact/hooks'

export interface HatchProps {
  /** In pixels. Default: 30. */
  readonly size?: number
  readonly label?: string
}

/** Ciphertext: the hatched block. */
export function Hatch({ size = 30, label }: HatchProps) {
  const id = useId()
  return (
    <svg
      class="hatch-block"
      width={size}
      height={size}
      viewBox="0 0 40 40"
      {...(label === undefined ? { 'aria-hidden': true } : { role: 'img', 'aria-label': label })}
    >
      <defs>
        <pattern id={id} width="8" height="8" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
          <rect width="3.4" height="8" fill="#fff" fill-opacity=".38" />
        </pattern>
      </defs>
      <rect class="block-body" x="5" y="5" width="30" height="30" rx="6" />
      <rect x="5" y="5" width="30" height="30" rx="6" fill={`url(#${id})`} />
    </svg>
  )
}
