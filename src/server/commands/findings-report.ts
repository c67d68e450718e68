import type { Finding } from '../../objects/verify/finding.ts'
import type { Streams } from './command.ts'

/** What a command that looks for damage tells while it runs. */
export interface FindingsReport {
  readonly found: (finding: Finding) => void
  /** Where it is: on standard error, now and then. */
  readonly progress: (text: string) => void
  /** The last line; how many findings there were. */
  readonly end: (summary: object) => number
}

const PROGRESS_MS = 2000

export function findingsReport({ out, err }: Streams, json: boolean): FindingsReport {
  const byKind = new Map<string, number>()
  let toldAtMs = performance.now()
  return {
    found: (finding) => {
      byKind.set(finding.kind, (byKind.get(finding.kind) ?? 0) + 1)
      out.write(json ? `${JSON.stringify({ type: 'finding', ...finding })}\n` : told(finding))
    },
    progress: (text) => {
      if (performance.now() - toldAtMs < PROGRESS_MS) return
      toldAtMs = performance.now()
      err.write(`  ${text}, ${total(byKind)} findings\n`)
    },
    end: (summary) => {
      const findings = total(byKind)
      const whole = { findings, byKind: Object.fromEntries(byKind), ...summary }
      out.write(json ? `${JSON.stringify({ type: 'summary', ...whole })}\n` : summed(whole))
      return findings
    },
  }
}

const total = (byKind: ReadonlyMap<string, number>): number =>
  [...byKind.values()].reduce((sum, count) => sum + count, 0)

function told({ kind, damage, advice, ...where }: Finding): string {
  const { bucket, key, versionId, uploadId, part, blob, file, offset } = where
  const object = bucket === undefined ? '' : key === undefined ? bucket : `${bucket}/${key}`
  const place = [
    object,
    versionId === undefined ? '' : `version ${versionId}`,
    uploadId === undefined ? '' : `upload ${uploadId}`,
    part === undefined ? '' : `part ${part}`,
    file === undefined ? (blob ?? '') : offset === undefined ? file : `${file} at byte ${offset}`,
  ].filter((text) => text !== '')
  return `✕ ${kind}: ${place.join(', ')}\n  ${damage}\n  → ${advice}\n`
}

function summed({ findings, ...figures }: { readonly findings: number }): string {
  const rows = Object.entries(figures).flatMap(([name, value]) =>
    value === undefined || isEmpty(value)
      ? []
      : [`  ${name}: ${typeof value === 'object' ? JSON.stringify(value) : value}\n`],
  )
  const complete = 'complete' in figures && figures.complete === true
  const mark = findings > 0 ? `✕ ${findings} findings` : complete ? '✓ nothing is wrong' : '▲ nothing is wrong so far'
  return `${mark}${complete ? '' : ': it was not looked at everything'}\n${rows.join('')}`
}

const isEmpty = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && Object.keys(value).length === 0
