import { existsSync, readFileSync } from 'node:fs'
import { keysFrom } from '../decrypt/arguments.ts'
import { usage } from '../decrypt/errors.ts'
import { members, numberIn, parseJson, textIn } from '../decrypt/json.ts'
import { EXIT, type Streams } from '../decrypt/status.ts'
import type { ProveValues } from './arguments.ts'
import { checkReport, publicKeyFrom } from './report.ts'
import { digestTree } from './tree.ts'

interface Judged {
  readonly status: number
  readonly document: object
  /** For people: what is well, and what is not, goes to standard error. */
  readonly lines: readonly string[]
  readonly wrong?: string
}

/** `prove verify`: whether a report is what was signed, and the directory still what it was. */
export function verifyReport([path, ...more]: readonly string[], values: ProveValues, { out, err }: Streams): number {
  if (path === undefined || more.length > 0) throw usage('give one report')
  if (!existsSync(path)) throw usage(`there is no report ${path}`)
  const { status, document, lines, wrong } = judge(path, values)
  if (values.json) out.write(`${JSON.stringify({ ...document, exit: status })}\n`)
  else for (const line of lines) out.write(`${line}\n`)
  if (wrong !== undefined) err.write(`✕ ${wrong}\n`)
  return status
}

function judge(path: string, values: ProveValues): Judged {
  const keyPath = values['public-key']
  const trusted = keyPath === undefined ? undefined : publicKeyFrom(readFileSync(keyPath), keyPath)
  const { report, signature, keyId } = checkReport(parseJson(readFileSync(path), path), trusted)
  if (signature === 'wrong') {
    const wrong = `the signature is not that of key ${keyId} over this report: it was changed, or another key signed it`
    return { status: EXIT.failed, document: { signature, keyId }, lines: [], wrong }
  }
  const tree = members(report['tree'], 'the report')
  const verdict = textIn(report, 'verdict', 'the report')
  const [startedAt, files] = [textIn(report, 'startedAt', 'the report'), numberIn(tree, 'files', 'the report')]
  const said = { signature, keyId, trusted: signature !== 'none' && trusted !== undefined, startedAt, files, verdict }
  const lines = [`  of ${startedAt}, ${files} files: ${verdict}`]
  const { against } = values
  const unchanged = against === undefined ? undefined : isUnchanged(against, values, tree)
  const document = { ...said, ...(unchanged === undefined ? {} : { unchanged }) }
  if (unchanged === false) {
    const wrong = `${against} is not, or not any more, what the report is of`
    return { status: EXIT.failed, document, lines, wrong }
  }
  if (unchanged) lines.push(`✓ ${against} is, byte for byte, what the report is of`)
  if (signature === 'none') {
    lines.push('▲ not signed: nothing tells who made it, nor that it is as it was made')
    return { status: EXIT.keysMissing, document, lines }
  }
  const told = trusted ? '' : '; whose key that is the report alone does not prove: give --public-key'
  lines.push(`${trusted ? '✓' : '▲'} signed by key ${keyId}${told}`)
  return { status: trusted ? EXIT.done : EXIT.keysMissing, document, lines }
}

function isUnchanged(directory: string, values: ProveValues, tree: ReturnType<typeof members>): boolean {
  const roots = [
    { directory, prefix: '' },
    ...[...keysFrom(values).classes].map(([name, path]) => ({ directory: path, prefix: `@${name}/` })),
  ]
  const now = digestTree(roots)
  // Earlier reports say nothing of directories.
  const directories = tree['directoriesSha256'] ?? now.directoriesSha256
  return now.sha256 === textIn(tree, 'sha256', 'the report') && now.directoriesSha256 === directories
}
