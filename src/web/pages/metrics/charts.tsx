import type { Minutes } from '../../client/samples.ts'
import { formatBytes, formatCount } from '../../format.ts'
import { LineChart } from '../../parts/line-chart.tsx'

interface ChartProps {
  readonly minutes: Minutes
}

const timesOf = ({ at }: Minutes): readonly number[] => at.map((seconds) => seconds * 1000)
const perMinute = (value: number): string => `${shortCount(value)}/min`
export const shortCount = (value: number): string =>
  value >= 10_000 ? `${formatCount(Math.round(value / 1000))}k` : formatCount(Math.round(value * 10) / 10)
const milliseconds = (value: number): string => `${formatCount(Math.round(value * 10) / 10)} ms`

export const sumOf = (column: readonly number[]): number => column.reduce((sum, value) => sum + value, 0)

export const RequestsChart = ({ minutes }: ChartProps) => (
  <LineChart
    label={`Requests to S3 by the minute: ${formatCount(sumOf(minutes.requests))} in all, ${formatCount(sumOf(minutes.refused))} refused, ${formatCount(sumOf(minutes.failed))} failed`}
    times={timesOf(minutes)}
    format={perMinute}
    series={[
      { name: 'All requests', tone: 'dek', values: minutes.requests, isArea: true },
      { name: 'Refused', tone: 'warn', values: minutes.refused },
      { name: 'Failed', tone: 'bad', values: minutes.failed },
    ]}
  />
)

export const LatencyChart = ({ minutes }: ChartProps) => (
  <LineChart
    label="How long requests to S3 took, by the minute: the median, and the slowest twentieth and hundredth"
    times={timesOf(minutes)}
    format={milliseconds}
    series={[
      { name: 'Slowest 1 % (p99)', tone: 'bad', values: minutes.p99Ms },
      { name: 'Slowest 5 % (p95)', tone: 'warn', values: minutes.p95Ms },
      { name: 'Median', tone: 'dek', values: minutes.p50Ms },
    ]}
  />
)

export const BytesChart = ({ minutes }: ChartProps) => (
  <LineChart
    label={`Bytes by the minute: ${formatBytes(sumOf(minutes.receivedBytes))} received, ${formatBytes(sumOf(minutes.sentBytes))} sent`}
    times={timesOf(minutes)}
    format={formatBytes}
    series={[
      { name: 'Sent', tone: 'dek', values: minutes.sentBytes, isArea: true },
      { name: 'Received', tone: 'ok', values: minutes.receivedBytes },
    ]}
  />
)

export const KeysChart = ({ minutes }: ChartProps) => (
  <LineChart
    label={`Calls to key services by the minute: ${formatCount(sumOf(minutes.keyCalls))} in all, ${formatCount(sumOf(minutes.unwraps))} unwraps, ${formatCount(sumOf(minutes.keyFailures))} refused or failed`}
    times={timesOf(minutes)}
    format={perMinute}
    series={[
      { name: 'Key operations', tone: 'brass', values: minutes.keyCalls, isArea: true },
      { name: 'Unwraps', tone: 'dek', values: minutes.unwraps },
      { name: 'Refused or failed', tone: 'bad', values: minutes.keyFailures },
    ]}
  />
)
