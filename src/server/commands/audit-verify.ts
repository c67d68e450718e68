import { readFile, stat } from 'node:fs/promises'
import { basename } from 'node:path'
import { fileNumber } from '../../audit/format.ts'
import { readPublicKeys } from '../../audit/keys.ts'
import { type Source, type Verification, verifyLog } from '../../audit/verify.ts'
import { EXIT } from '../../base/exit-status.ts'
import { parseCommand, type Streams, usageError } from './command.ts'

const VERDICT = { verified: EXIT.done, bad: EXIT.failed, unsigned: EXIT.partly } as const

export async function auditVerify(args: readonly string[], { out, err }: Streams): Promise<number> {
  const { positionals, options, flags } = parseCommand(args, ['public-key', 'expect'], ['json'])
  const keyFile = options['public-key']
  if (keyFile === undefined || positionals.length === 0) {
    throw usageError('give a directory or files, and --public-key with the file that holds the public key')
  }
  const keys = readPublicKeys(await readFile(keyFile, 'utf8'))
  const source = await sourceOf(positionals)
  const expected = options['expect'] === undefined ? {} : { expected: readHead(options['expect']) }
  const report = await verifyLog({ source, keys, ...expected })
  if (flags.has('json')) out.write(`${JSON.stringify(report)}\n`)
  else (report.outcome === 'bad' ? err : out).write(told(report))
  return VERDICT[report.outcome]
}

async function sourceOf(paths: readonly string[]): Promise<Source> {
  const [path = ''] = paths
  if (paths.length === 1 && (await stat(path)).isDirectory()) return { type: 'directory', path }
  const files = paths.map((file) => ({ path: file, number: fileNumber(basename(file)) ?? 0 }))
  if (files.every(({ number }) => number > 0)) {
    return { type: 'files', files: files.toSorted((a, b) => a.number - b.number) }
  }
  if (files.length > 1)
    throw usageError('give a directory, files of a log under the names that they had, or one excerpt')
  return { type: 'excerpt', path }
}

function readHead(text: string): { readonly seq: number; readonly hash: string } {
  const [, seq, hash] = /^(\d{1,15}):([\w-]{43})$/.exec(text) ?? []
  if (seq === undefined || hash === undefined) throw usageError('--expect takes <seq>:<hash>, as verify prints it')
  return { seq: Number(seq), hash }
}

function told(report: Verification): string {
  const { first, lines, files, fromSeq, throughSeq, signed } = report
  const notes = notesOn(report).map((note) => `  ${note}\n`)
  if (first) {
    const where = [
      first.file,
      first.line > 0 ? `line ${first.line}` : '',
      first.seq === undefined ? '' : `(seq ${first.seq})`,
    ]
    const good =
      throughSeq > 0 ? `  lines ${fromSeq} to ${throughSeq} are good, signed through ${signed?.seq ?? 'none'}\n` : ''
    return `✕ bad: ${where.filter((part) => part !== '').join(' ')}: ${first.problem}\n${good}${notes.join('')}`
  }
  if (lines === 0) return '▲ there is no log here\n'
  const mark = report.outcome === 'verified' ? '✓ verified' : '▲ well so far, but not signed to its end'
  const head = signed ? `  head ${signed.seq}:${signed.hash} (for a later --expect)\n` : ''
  return `${mark}: lines ${fromSeq} to ${throughSeq} in ${files} file${files === 1 ? '' : 's'}\n${head}${notes.join('')}`
}

function notesOn(report: Verification): string[] {
  const { dropped, torn, unsignedLines, unfinishedBytes, lostEvents, outcome } = report
  return [
    ...(dropped
      ? [`lines 1 to ${dropped.throughSeq} were removed at ${dropped.at} to keep the log in its bounds`]
      : []),
    ...torn.map(({ file, bytes }) => `${file} ends with ${bytes} bytes that a crash left unfinished`),
    ...(lostEvents > 0 ? [`${lostEvents} events could not be kept while the disk was full`] : []),
    ...(unsignedLines > 0 && outcome !== 'bad' ? [`the last ${unsignedLines} lines are not signed`] : []),
    ...(unfinishedBytes > 0 ? [`the last ${unfinishedBytes} bytes are no finished line`] : []),
  ]
}
