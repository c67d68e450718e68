import { formatAgo, formatExact } from '../format.ts'

/** How long ago; exactly when it is pointed at. */
export const Time = ({ at }: { readonly at: string | undefined }) =>
  at === undefined || at === '' ? (
    <span class="muted">–</span>
  ) : (
    <time dateTime={at} title={formatExact(at)}>
      {formatAgo(at)}
    </time>
  )
