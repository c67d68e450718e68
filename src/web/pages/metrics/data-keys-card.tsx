import type { ComponentChildren } from 'preact'
import { isStatus } from '../../client/api-error.ts'
import { type DataKeyUses, readDataKeyUses } from '../../client/data-key-uses.ts'
import { counted, formatCount, formatExact } from '../../format.ts'
import { Card } from '../../parts/card.tsx'
import { Icon } from '../../parts/icon.tsx'
import { LineChart } from '../../parts/line-chart.tsx'
import { Loaded } from '../../parts/loaded.tsx'
import { Skeleton } from '../../parts/skeleton.tsx'
import { useLoad } from '../../use-load.ts'
import { iconOf } from '../impact/who-notices.tsx'
import { shortCount, sumOf } from './charts.tsx'

export interface DataKeysCardProps {
  readonly title: string
  /** Of which key or bucket. */
  readonly of: { readonly key?: string; readonly bucket?: string }
  readonly children?: ComponentChildren
}

const EVERY_MS = 30_000
const MOST_PEOPLE = 6

/** How often data keys were opened and made in the last hour, and by whom. */
export function DataKeysCard({ title, of, children }: DataKeysCardProps) {
  const uses = useLoad((signal) => readDataKeyUses(of, signal), [of], { everyMs: EVERY_MS, topics: ['objects'] })
  const mayNot = uses.error !== undefined && isStatus(uses.error, 401, 403)
  return (
    <Card title={title} note="last hour, from the audit log">
      {!uses.value && !uses.error && <div class="chart-space">{uses.isSlow && <Skeleton rows={4} />}</div>}
      {mayNot ? (
        <p class="muted">The audit log is shown to administrators of the account.</p>
      ) : (
        <Loaded load={{ ...uses, isSlow: false }} failed="The audit log could not be read.">
          {(value) => (
            <div class="stack">
              <UsesChart uses={value} />
              {value.onlySince !== undefined && (
                <p class="muted small">Since {formatExact(value.onlySince)}: what was before is too much to draw.</p>
              )}
              {value.people.length > 0 && (
                <ul class="noticers" aria-label="Who used them">
                  {value.people.slice(0, MOST_PEOPLE).map(({ name, kind, uses: count }) => (
                    <li key={name}>
                      <Icon name={iconOf(kind)} size="small" />
                      <b class="ellipsis">{name}</b>
                      <span />
                      <span class="muted small nowrap number">{counted(count, 'use')}</span>
                    </li>
                  ))}
                </ul>
              )}
              {children}
            </div>
          )}
        </Loaded>
      )}
    </Card>
  )
}

function UsesChart({ uses: { times, opened, made, refused } }: { readonly uses: DataKeyUses }) {
  const said = (values: readonly number[], did: string): string => `${formatCount(sumOf(values))} ${did}`
  return (
    <LineChart
      label={`Data keys by the minute: ${said(opened, 'opened')}, ${said(made, 'made or rewrapped')}, ${said(refused, 'refused')}`}
      times={times}
      format={(value) => `${shortCount(value)}/min`}
      series={[
        { name: 'Opened', tone: 'brass', values: opened, isArea: true },
        { name: 'Made or rewrapped', tone: 'dek', values: made },
        { name: 'Refused', tone: 'bad', values: refused },
      ]}
    />
  )
}
