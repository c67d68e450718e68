import { existsSync, readFileSync } from 'node:fs'
import { keysFrom } from '../decrypt/arguments.ts'
import { usage } from '../decrypt/errors.ts'
import { members, numberIn, parseJson, textIn } from '../decrypt/json.ts'
import { EXIT, type Streams } from '../decrypt/status.ts'
import type { ProveValues } from './arguments.ts'
import { checkReport, publicKeyFrom } from './report.ts'
import { digestTree } from './tree.ts'

/** `prove verify`: whether a report is what was signed, and the directory still what it was. */
export function verifyReport([path, ...more]: readonly string[], values: ProveValues, { out, err }: Streams): number {
  if (path === undefined || more.length > 0) throw usage('give one report')
  if (!existsSync(path)) throw usage(`there is no report ${path}`)
  const keyPath = values['public-key']
  const trusted = keyPath === undefined ? undefined : publicKeyFrom(readFileSync(keyPath), keyPath)
  const { report, signature, keyId } = checkReport(parseJson(readFileSync(path), path), trusted)
  if (signature === 'wrong') {
    err.write(
      `✕ the signature is not that of key ${keyId} over this report: it was changed, or another key signed it\n`,
    )
    return EXIT.failed
  }
  const tree = members(report['tree'], 'the report')
  const verdict = textIn(report, 'verdict', 'the report')
  out.write(
    `  of ${textIn(report, 'startedAt', 'the report')}, ${numberIn(tree, 'files', 'the report')} files: ${verdict}\n`,
  )
  if (values.against !== undefined) {
    const roots = [
      { directory: values.against, prefix: '' },
      ...[...keysFrom(values).classes].map(([name, directory]) => ({ directory, prefix: `@${name}/` })),
    ]
    const now = digestTree(roots)
    // Earlier reports say nothing of directories.
    const directories = tree['directoriesSha256'] ?? now.directoriesSha256
    if (now.sha256 !== textIn(tree, 'sha256', 'the report') || now.directoriesSha256 !== directories) {
      err.write(`✕ ${values.against} is not, or not any more, what the report is of\n`)
      return EXIT.failed
    }
    out.write(`✓ ${values.against} is, byte for byte, what the report is of\n`)
  }
  if (signature === 'none') {
    out.write('▲ not signed: nothing tells who made it, nor that it is as it was made\n')
    return EXIT.keysMissing
  }
  const told = trusted ? '' : '; whose key that is the report alone does not prove: give --public-key'
  out.write(`${trusted ? '✓' : '▲'} signed by key ${keyId}${told}\n`)
  return trusted ? EXIT.done : EXIT.keysMissing
}
