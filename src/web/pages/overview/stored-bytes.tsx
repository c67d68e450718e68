import { useState } from 'preact/hooks'
import { type ActivityEntry, listActivity } from '../../client/activity.ts'
import type { Samples } from '../../client/samples.ts'
import { counted, formatBytes } from '../../format.ts'
import { Card } from '../../parts/card.tsx'
import { Segmented } from '../../parts/segmented.tsx'
import { StackedChart } from '../../parts/stacked-chart.tsx'
import { useLoad } from '../../use-load.ts'
import type { BucketRow } from '../buckets/read-buckets.ts'
import { type NamedKeys, nameOfKey } from './key-names.ts'

const DAY_MS = 86_400_000
const SPANS = [
  { value: '7', label: '7 d' },
  { value: '30', label: '30 d' },
  { value: '92', label: '92 d' },
] as const
type Span = (typeof SPANS)[number]['value']

const day = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short' })
const hour = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' })

export const totalOf = (buckets: readonly BucketRow[]) => ({
  objects: buckets.reduce((sum, { usage }) => sum + (usage?.objects ?? 0), 0),
  bytes: buckets.reduce((sum, { usage }) => sum + (usage?.bytes ?? 0), 0),
})

export interface StoredBytesProps {
  readonly buckets: readonly BucketRow[]
  readonly stored: Samples['stored']
  readonly names: NamedKeys
}

/** How much lies under root keys of one's own, and under the provider's: now, and over time as far back as it is known. */
export function StoredBytes({ buckets, stored = [], names }: StoredBytesProps) {
  const [span, setSpan] = useState<Span>('30')
  const customer = buckets.filter(({ encryption }) => encryption?.kind === 'customer')
  const provider = buckets.filter(({ encryption }) => encryption?.kind === 'provider')
  const [all, own, theirs] = [totalOf(buckets), totalOf(customer), totalOf(provider)]
  const from = Date.now() - Number(span) * DAY_MS
  const shown = stored.filter(({ at }) => Date.parse(at) >= from)
  return (
    <Card
      title="Stored bytes by encryption"
      actions={stored.length > 1 && <Segmented label="Time" value={span} options={SPANS} onChange={setSpan} />}
    >
      <div class="stack">
        <div class="figures">
          <Figure value={formatBytes(all.bytes)} text={`total${growthOf(shown)}`} />
          <Figure
            value={formatBytes(own.bytes)}
            isBrass
            text={`customer-managed, ${counted(customer.length, 'bucket')}`}
            swatch="brass"
          />
          <Figure
            value={formatBytes(theirs.bytes)}
            text={`provider-managed, ${counted(provider.length, 'bucket')}`}
            swatch="ct hatched"
          />
        </div>
        {shown.length > 1 ? (
          <OverTime shown={shown} names={names} />
        ) : (
          <ShareBar share={all.bytes === 0 ? 0 : (100 * own.bytes) / all.bytes} />
        )}
      </div>
    </Card>
  )
}

type Shown = NonNullable<Samples['stored']>

function OverTime({ shown, names }: { readonly shown: Shown; readonly names: NamedKeys }) {
  const times = shown.map(({ at }) => Date.parse(at))
  const [first = 0, last = 0] = [times[0], times.at(-1)]
  const moves = useLoad(
    (signal) => listActivity({ did: 'admin.MoveBucket', outcome: 'success', limit: 20 }, signal),
    [first],
    { topics: ['jobs'] },
  )
  const inSight = (moves.value?.entries ?? []).filter(({ time }) => Date.parse(time) >= first)
  const [latest] = inSight
  const sums = shown.map(({ providerManaged, customerManaged }) => [providerManaged.bytes, customerManaged.bytes])
  const own = sums.map(([, bytes = 0]) => bytes)
  const theirs = sums.map(([bytes = 0]) => bytes)
  return (
    <StackedChart
      label={`Stored bytes since ${day.format(first)}: under root keys of your own from ${formatBytes(own[0] ?? 0)} to ${formatBytes(own.at(-1) ?? 0)}, provider-managed from ${formatBytes(theirs[0] ?? 0)} to ${formatBytes(theirs.at(-1) ?? 0)}`}
      times={times}
      lower={theirs}
      upper={own}
      format={formatBytes}
      formatTime={(time) => (last - first > 2 * DAY_MS ? day : hour).format(time)}
      events={latest ? [{ at: Math.min(last, Date.parse(latest.time)), text: moveText(latest, names) }] : []}
    />
  )
}

function moveText({ said: { what } }: ActivityEntry, names: NamedKeys): string {
  const bucket = what.bucket ?? 'a bucket'
  return what.rootKey === undefined ? `${bucket} was moved` : `${bucket} moved to ${nameOfKey(what.rootKey, names)}`
}

function growthOf(shown: Shown): string {
  const sum = (index: number): number => {
    const one = shown.at(index)
    return one ? one.providerManaged.bytes + one.customerManaged.bytes : 0
  }
  const [first] = shown
  if (shown.length < 2 || !first) return ''
  const grown = sum(-1) - sum(0)
  const days = Math.round((Date.now() - Date.parse(first.at)) / DAY_MS)
  const span = days < 1 ? 'today' : `in ${counted(days, 'day')}`
  return grown === 0 ? '' : `, ${grown > 0 ? '+' : '−'}${formatBytes(Math.abs(grown))} ${span}`
}

const ShareBar = ({ share }: { readonly share: number }) => (
  <div
    class="share-bar"
    role="img"
    aria-label={`${Math.round(share)} percent of the stored bytes are under root keys of your own`}
  >
    <span class="share-own" style={{ width: `${share}%` }} />
    <span class="share-rest hatched" />
  </div>
)

interface FigureProps {
  readonly value: string
  readonly text: string
  readonly isBrass?: boolean
  readonly swatch?: string
}

const Figure = ({ value, text, isBrass = false, swatch }: FigureProps) => (
  <div>
    <div class={`big-number${isBrass ? ' brass' : ''}`}>{value}</div>
    <div class="muted small">
      {swatch !== undefined && <span class={`swatch ${swatch}`} />}
      {text}
    </div>
  </div>
)
