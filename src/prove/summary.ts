import { shown } from '../decrypt/safe-path.ts'
import type { Look } from './look.ts'
import type { SignedReport } from './report.ts'
import type { Sample } from './sample.ts'

const SHOWN_FINDINGS = 50

/** The report for a person. */
export function summary(
  { tree, findings }: Look,
  sample: Sample | undefined,
  { report, signature }: SignedReport,
  path: string | undefined,
): string {
  const { problems, notes } = findings.counts()
  const listed = findings
    .listed()
    .toSorted((a, b) => (a.severity === b.severity ? 0 : a.severity === 'problem' ? -1 : 1))
  const lines = [
    ...listed
      .slice(0, SHOWN_FINDINGS)
      .map(({ severity, where, what }) => `${severity === 'problem' ? '✕' : '▲'} ${shown(where)}: ${shown(what)}`),
    ...(listed.length > SHOWN_FINDINGS ? [`  … and more: the report lists them`] : []),
    ...tableOf(report),
    `${tree.files} files, ${tree.bytes} bytes, digest ${tree.sha256}`,
    ...(sample ? [sampleLine(sample)] : ['no keys were given: that the ciphertexts open was not looked at']),
    signature ? `signed by key ${signature.keyId}` : 'not signed: give --sign-key, or the instance key',
    ...(path === undefined ? [] : [`report: ${path}`]),
    problems === 0
      ? `✓ nothing found: no canary, no byte that the formats do not explain (${notes} notes)`
      : `✕ ${problems} problems, ${notes} notes`,
  ]
  return `${lines.join('\n')}\n`
}

const sampleLine = ({ seed, rowsOpened, objects, chosen, opened, keysMissing, plaintextBytes }: Sample): string =>
  `${rowsOpened} rows opened; of ${objects} objects ${chosen} chosen by seed ${seed}: ${opened} opened whole ` +
  `(${plaintextBytes} bytes, every tag), ${keysMissing} without their keys, ${chosen - opened - keysMissing} that do not open`

function tableOf(report: object): string[] {
  const files: unknown = 'files' in report ? report.files : []
  const rows = Array.isArray(files) ? files : []
  const columns = ['files', 'bytes', 'sealedBytes', 'clearBytes', 'unexplainedBytes']
  const cells = (row: Readonly<Record<string, unknown>>) =>
    columns.map((name) => String(row[name]).padStart(18)).join('')
  return [
    `${''.padEnd(26)}${columns.map((name) => name.padStart(18)).join('')}`,
    ...rows.map((row) => `${String(row.kind).padEnd(26)}${cells(row)}`),
  ]
}
