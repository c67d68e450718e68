import { call } from './http.ts'

/** What this process asked of a key service since it started, as its metrics tell it. */
export interface KeyCallFigures {
  readonly provider: string
  /** In this process, or reached over the network. */
  readonly where: 'here' | 'elsewhere'
  readonly calls: number
  /** By code, the most frequent first. */
  readonly failures: readonly { readonly code: string; readonly count: number }[]
  /** Milliseconds; of services elsewhere. */
  readonly meanMs: number | undefined
}

interface Sample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

const LINE = /^(coffer_key_[a-z_]+)\{([^}]*)\} ([0-9.e+-]+)/

export async function readKeyCalls(signal?: AbortSignal): Promise<readonly KeyCallFigures[]> {
  const text = await (await call('/metrics', { signal })).text()
  const samples = text.split('\n').flatMap(sampleIn)
  const byProvider = Map.groupBy(samples, ({ labels }) => labels['provider'] ?? '')
  return [...byProvider].filter(([provider]) => provider !== '').map(([provider, its]) => figuresOf(provider, its))
}

function sampleIn(line: string): readonly Sample[] {
  const [, name, labels = '', value] = LINE.exec(line) ?? []
  if (name === undefined) return []
  const pairs = [...labels.matchAll(/([a-z]+)="([^"]*)"/g)].map(([, key = '', text = '']) => [key, text] as const)
  return [{ name, labels: Object.fromEntries(pairs), value: Number(value) }]
}

function figuresOf(provider: string, samples: readonly Sample[]): KeyCallFigures {
  const sum = (name: string) =>
    samples.filter((sample) => sample.name === name).reduce((total, { value }) => total + value, 0)
  const failures = Map.groupBy(
    samples.filter(({ name }) => name === 'coffer_key_failures_total'),
    ({ labels }) => labels['code'] ?? '',
  )
  const timed = sum('coffer_key_call_duration_seconds_count')
  return {
    provider,
    where: samples.some(({ labels }) => labels['where'] === 'elsewhere') ? 'elsewhere' : 'here',
    calls: sum('coffer_key_calls_total'),
    failures: [...failures]
      .map(([code, its]) => ({ code, count: its.reduce((total, { value }) => total + value, 0) }))
      .sort((a, b) => b.count - a.count),
    meanMs: timed === 0 ? undefined : (1000 * sum('coffer_key_call_duration_seconds_sum')) / timed,
  }
}
