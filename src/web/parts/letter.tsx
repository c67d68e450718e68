export interface LetterProps {
  /** Width in pixels. Default: 30. */
  readonly size?: number
  readonly label?: string
}

/** A data key: the blue envelope. */
export const Letter = ({ size = 30, label }: LetterProps) => (
  <svg
    class="letter"
    width={size}
    height={size}
    viewBox="0 0 40 40"
    {...(label === undefined ? { 'aria-hidden': true } : { role: 'img', 'aria-label': label })}
  >
    <rect class="letter-body" x="3" y="8" width="34" height="25" rx="3" />
    <path
      class="letter-flap"
      d="M4.500 10.500 18.200 21.500a3 3 0 0 0 3.600 0L35.500 10.500M4.500 31.500l11-10M35.500 31.500l-11-10"
    />
  </svg>
)
