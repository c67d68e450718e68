import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { keysFrom } from '../decrypt/arguments.ts'
import { openDataDirectory } from '../decrypt/data-directory.ts'
import { usage } from '../decrypt/errors.ts'
import { openInstanceKey } from '../decrypt/instance-key.ts'
import { EXIT, type Streams } from '../decrypt/status.ts'
import type { ProveValues } from './arguments.ts'
import { readCanary, SPELLINGS } from './canaries.ts'
import { type Look, look } from './look.ts'
import { auditKey, privateKeyFrom, type SignedReport, signReport } from './report.ts'
import { type Sample, takeSample } from './sample.ts'
import { summary } from './summary.ts'
import type { TreeRoot } from './tree.ts'

const DEFAULT_SAMPLE = 20
const PROGRESS_MS = 2000

/** Looks at a data directory and writes a report. Resolves to the exit status. */
export function prove([directory, ...more]: readonly string[], values: ProveValues, streams: Streams): number {
  if (directory === undefined || more.length > 0) throw usage('give one data directory')
  if (!existsSync(directory) || !statSync(directory).isDirectory()) throw usage(`there is no directory ${directory}`)
  if (values.report !== undefined && existsSync(values.report))
    throw usage(`${values.report} is there already: a report is evidence, and replaces nothing`)
  const canaries = (values.canary ?? []).map(readCanary)
  const keys = keysFrom(values)
  const startedAt = new Date().toISOString()
  const roots = rootsOf(directory, keys.classes)
  const looked = look(roots, canaries, progressTo(streams, values.quiet ?? false))
  const sample = wantsKeys(values) ? sampled(directory, values, looked) : undefined
  const { problems, notes } = looked.findings.counts()
  const report = {
    format: 'coffer-prove-1',
    startedAt,
    endedAt: new Date().toISOString(),
    directory: roots.map(({ prefix }) => (prefix === '' ? 'data directory' : `storage class ${prefix.slice(1, -1)}`)),
    tree: looked.tree,
    verdict: problems === 0 ? 'nothing found' : 'found',
    problems,
    notes,
    canaries: canaries.map(({ name, sha256, bytes, pieces }) => ({ name, sha256, bytes, pieces: pieces.length })),
    spellings: SPELLINGS,
    hits: looked.hits,
    files: looked.kinds,
    rows: looked.rows,
    blobs: looked.blobs,
    records: looked.records,
    findings: looked.findings.listed(),
    ...(sample ? { sample } : {}),
  }
  const signed = signReport(report, signingKey(directory, values))
  emit(signed, looked, sample, values, streams)
  return problems === 0 ? EXIT.done : EXIT.failed
}

const rootsOf = (directory: string, classes: ReadonlyMap<string, string>): TreeRoot[] => [
  { directory, prefix: '' },
  ...[...classes].map(([name, path]) => ({ directory: path, prefix: `@${name}/` })),
]

const wantsKeys = (values: ProveValues): boolean => values['with-keys'] === true || hasInstanceKey(values)
const hasInstanceKey = (values: ProveValues): boolean =>
  values['key-file'] !== undefined || values['passphrase-file'] !== undefined || values.bundle !== undefined

function sampled(directory: string, values: ProveValues, { findings }: Look): Sample {
  const count = values.sample === undefined ? DEFAULT_SAMPLE : Number(values.sample)
  if (!Number.isSafeInteger(count) || count < 0) throw usage('--sample takes a number of objects')
  const opened = openDataDirectory(directory, keysFrom(values))
  try {
    return takeSample(opened, count, values.seed ?? randomBytes(8).toString('hex'), findings)
  } finally {
    opened.close()
  }
}

/** A key of the auditor's own before that of the audit log; none without either. */
function signingKey(directory: string, values: ProveValues) {
  const path = values['sign-key']
  if (path !== undefined) return privateKeyFrom(readFileSync(path), path)
  return wantsKeys(values) ? auditKey(openInstanceKey(directory, keysFrom(values).instance)) : undefined
}

function emit(
  signed: SignedReport,
  looked: Look,
  sample: Sample | undefined,
  values: ProveValues,
  streams: Streams,
): void {
  const text = `${JSON.stringify(signed, null, 2)}\n`
  if (values.report !== undefined) writeFileSync(values.report, text, { flag: 'wx', mode: 0o600 })
  if (values.json) streams.out.write(text)
  else streams.out.write(summary(looked, sample, signed, values.report))
}

function progressTo({ err }: Streams, isQuiet: boolean): (done: string) => void {
  let said = Date.now()
  let files = 0
  return (name) => {
    files++
    if (isQuiet || Date.now() - said < PROGRESS_MS) return
    said = Date.now()
    err.write(`… ${files} files, ${name}\n`)
  }
}
