import type { Client } from './client.ts'

export type Outcome =
  | { readonly step: string; readonly mark: '✓' }
  | { readonly step: string; readonly mark: '✗' | '–'; readonly reason: string }

export interface Row {
  readonly client: Pick<Client, 'name'>
  readonly version: string
  readonly outcomes: readonly Outcome[]
  readonly notes: readonly string[]
  readonly seconds: number
}

/** Clients against steps; rows with the same steps share one table. Below: every ✗ and – with its reason, versions, notes. */
export function formatTable(rows: readonly Row[]): string {
  const groups = Map.groupBy(rows, ({ outcomes }) => outcomes.map(({ step }) => step).join('\n'))
  const tables = [...groups.values()].map(formatGroup)
  return [...tables, ...formatReasons(rows), ...rows.map(formatVersion)].join('\n')
}

function formatGroup(rows: readonly Row[]): string {
  const steps = rows[0]?.outcomes.map(({ step }) => step) ?? []
  const nameWidth = Math.max(...rows.map(({ client }) => client.name.length), 6)
  const head = ['client'.padEnd(nameWidth), ...steps]
  const lines = rows.map(({ client, outcomes }) => [
    client.name.padEnd(nameWidth),
    ...outcomes.map(({ step, mark }) => centred(mark, step.length)),
  ])
  const rule = head.map((cell) => '-'.repeat(cell.length))
  return [head, rule, ...lines].map((cells) => `| ${cells.join(' | ')} |\n`).join('')
}

function formatReasons(rows: readonly Row[]): readonly string[] {
  const reasons = rows.flatMap(({ client, outcomes, notes }) => [
    ...outcomes.flatMap((one) => (one.mark === '✓' ? [] : `${one.mark} ${client.name}, ${one.step}: ${one.reason}`)),
    ...notes.map((note) => `  ${client.name}: ${note}`),
  ])
  return reasons.length === 0 ? [] : [...reasons, '']
}

const formatVersion = ({ client, version, seconds }: Row): string =>
  `${client.name}: ${version} (${seconds.toFixed(1)} s)`

const centred = (text: string, width: number): string => text.padStart(Math.ceil((width + 1) / 2)).padEnd(width)
