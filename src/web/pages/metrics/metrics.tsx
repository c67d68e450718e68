import type { ComponentChildren } from 'preact'
import { getSamples, type Minutes, type Samples } from '../../client/samples.ts'
import { formatAgo, formatBytes, formatCount } from '../../format.ts'
import { Card } from '../../parts/card.tsx'
import { CliHint } from '../../parts/cli-hint.tsx'
import { Icon } from '../../parts/icon.tsx'
import { Loaded } from '../../parts/loaded.tsx'
import { PageHead } from '../../parts/page-head.tsx'
import { Segmented } from '../../parts/segmented.tsx'
import { setQuery, usePlace } from '../../router.ts'
import { useLoad } from '../../use-load.ts'
import { BytesChart, KeysChart, LatencyChart, RequestsChart, sumOf } from './charts.tsx'

const SPANS = [
  { value: 'hour', label: '1 h' },
  { value: 'day', label: '24 h' },
] as const
type Span = (typeof SPANS)[number]['value']
const HOUR_MS = 3_600_000
const EVERY_MS = 10_000

export function Page() {
  const { query } = usePlace()
  const span: Span = query.get('span') === 'day' ? 'day' : 'hour'
  const read = (signal: AbortSignal) =>
    getSamples(span === 'hour' ? new Date(Date.now() - HOUR_MS).toISOString() : undefined, signal)
  const samples = useLoad(read, [span], { everyMs: EVERY_MS })
  return (
    <>
      <PageHead
        title="Metrics"
        sub={
          samples.value &&
          `Of this process, which started ${formatAgo(samples.value.since)}. Read again every 10 seconds.`
        }
        actions={
          <>
            <Segmented
              label="Time"
              value={span}
              options={SPANS}
              onChange={(value) => setQuery({ span: value === 'day' ? 'day' : undefined })}
            />
            <a class="button" href="/ui/api/metrics" target="_blank" rel="noreferrer">
              <Icon name="link" size="small" />
              <span>/metrics</span>
            </a>
          </>
        }
      />
      <div class="stack">
        <Loaded load={samples} failed="The metrics could not be read." skeletonRows={8}>
          {(value) => <Charts samples={value} />}
        </Loaded>
        <CliHint command={`curl ${window.location.origin}/metrics`} />
      </div>
    </>
  )
}

const Charts = ({ samples: { minutes } }: { readonly samples: Samples }) => (
  <>
    <div class="stats-row">
      <Stat value={formatCount(sumOf(minutes.requests))} text="requests" />
      <Stat value={shareOf(minutes)} text="went well" />
      <Stat value={latestOf(minutes.p95Ms)} text="p95, latest" />
      <Stat value={formatBytes(sumOf(minutes.sentBytes) + sumOf(minutes.receivedBytes))} text="in and out" />
      <Stat value={formatCount(sumOf(minutes.unwraps))} text="unwraps" />
    </div>
    <div class="columns">
      <Card title="Requests">
        <RequestsChart minutes={minutes} />
      </Card>
      <Card title="Latency">
        <LatencyChart minutes={minutes} />
      </Card>
      <Card title="Bytes">
        <BytesChart minutes={minutes} />
      </Card>
      <Card title="Key operations">
        <KeysChart minutes={minutes} />
      </Card>
    </div>
  </>
)

function shareOf({ requests, failed }: Minutes): string {
  const all = sumOf(requests)
  return all === 0 ? '–' : `${Math.floor((1000 * (all - sumOf(failed))) / all) / 10} %`
}

function latestOf(column: Minutes['p95Ms']): string {
  const latest = column.findLast((value) => value !== null)
  return latest === undefined || latest === null ? '–' : `${formatCount(Math.round(latest * 10) / 10)} ms`
}

export const Stat = ({ value, text }: { readonly value: string; readonly text: ComponentChildren }) => (
  <div class="stat">
    <b class="big-number">{value}</b>
    <span class="muted small">{text}</span>
  </div>
)
