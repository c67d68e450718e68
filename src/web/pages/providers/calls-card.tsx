import type { KeyCallFigures } from '../../client/key-calls.ts'
import { formatCount, formatPercent } from '../../format.ts'
import { Card } from '../../parts/card.tsx'
import { Chip } from '../../parts/chip.tsx'
import { Details } from '../../parts/details.tsx'
import { href } from '../../router.ts'

/** What this process asked of one key service. */
export function CallsCard({ figures }: { readonly figures: KeyCallFigures }) {
  const { provider, where, calls, failures, meanMs } = figures
  const failed = failures.reduce((sum, { count }) => sum + count, 0)
  return (
    <Card
      title={provider === 'embedded' ? 'Calls of this store' : provider}
      note={where === 'here' ? 'to Key Protect in this process' : 'a key service elsewhere'}
      actions={
        <Chip isSmall tone={failed === 0 ? 'ok' : 'warn'} hasDot>
          {failed === 0 ? 'No failures' : `${formatCount(failed)} refused or failed`}
        </Chip>
      }
    >
      <Details
        items={[
          ['Calls since the start', formatCount(calls)],
          ['Refused or failed', failed === 0 ? 'none' : `${formatCount(failed)}, ${formatPercent(failed, calls)}`],
          ...failures.slice(0, 3).map(({ code, count }) => [code, formatCount(count)] as const),
          ...(meanMs === undefined ? [] : [['Mean time to answer', `${meanMs.toFixed(1)} ms`] as const]),
          [
            'By the minute',
            <a key="metrics" href={href(['metrics'])}>
              Metrics
            </a>,
          ],
        ]}
      />
    </Card>
  )
}
