import { readFileSync } from 'node:fs'
import type { Findings } from './findings.ts'
import type { Tally } from './tally.ts'
import { chunksOf, type TreeEntry } from './tree.ts'

const MAX_SMALL_BYTES = 64 * 1024

/** A file that is in clear by design, and whose whole text has a form that says so. */
export function checkText(
  file: TreeEntry,
  kind: string,
  isForm: (text: string) => boolean,
  tally: Tally,
  findings: Findings,
): void {
  const isRight = file.size <= MAX_SMALL_BYTES && isForm(readFileSync(file.path, 'latin1'))
  if (isRight) tally.clear(kind, file.size)
  else {
    tally.unexplained(kind, file.size)
    findings.problem(file.name, `is not what ${kind} is`)
  }
}

/** A file in clear by design, line by line. */
export function checkLines(
  file: TreeEntry,
  kind: string,
  isLine: (line: string) => boolean,
  tally: Tally,
  findings: Findings,
): void {
  let rest = ''
  let number = 0
  const look = (line: string): void => {
    number++
    if (isLine(line)) tally.clear(kind, Buffer.byteLength(line, 'latin1') + 1)
    else {
      tally.unexplained(kind, Buffer.byteLength(line, 'latin1') + 1)
      findings.problem(`${file.name} line ${number}`, `is no line of ${kind}`)
    }
  }
  for (const { bytes } of chunksOf(file.path)) {
    const lines = (rest + bytes.toString('latin1')).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) look(line)
  }
  if (rest === '') return
  tally.unexplained(kind, rest.length)
  findings.note(file.name, `ends with ${rest.length} bytes that are no finished line`)
}

type Forms = Readonly<Record<string, RegExp>>

const SEAL_FORMS: Forms = {
  v: /^1$/,
  method: /^"(file|passphrase)"$/,
  keyId: /^"[0-9a-f]{32}"$/,
  kdf: /^\{("(name|memoryKiB|passes|parallelism|salt)":("argon2id"|\d{1,8}|"[A-Za-z0-9+/]{22}==")[,}]){5}$/,
  sealed: /^"[A-Za-z0-9+/=]{100,1024}"$/,
}
const RESTORE_FORMS: Forms = {
  v: /^1$/,
  backup: /^"[\w.:-]{1,100}"$/,
  repository: /^".{1,4096}"$/,
  takenAt: /^("[\d:.TZ-]{10,30}"|\d{1,15})$/,
  restoredAt: /^("[\d:.TZ-]{10,30}"|\d{1,15})$/,
}

/** A JSON object of so many members, each of its form. */
function hasForms(latin1: string, forms: Forms, counts: readonly number[]): boolean {
  try {
    const value: unknown = JSON.parse(latin1)
    const entries = typeof value === 'object' && value !== null ? Object.entries(value) : []
    return (
      counts.includes(entries.length) && entries.every(([name, one]) => forms[name]?.test(JSON.stringify(one)) ?? false)
    )
  } catch {
    return false
  }
}

/** docs/envelope-format.md, section 7: these members and no others. */
export const isSealFile = (latin1: string): boolean => hasForms(latin1, SEAL_FORMS, [3, 5])
/** docs/storage-format.md, section 1. */
export const isRestoreMark = (latin1: string): boolean => hasForms(latin1, RESTORE_FORMS, [3, 4])

const AUDIT_TYPES = ['file', 'checkpoint', 'start', 'stop', 'dropped', 'lost', 'event']

/** docs/audit-log.md, section 1. That the lines fit one another is what `coffer audit verify` tells. */
export function isAuditLine(latin1: string): boolean {
  try {
    const line: unknown = JSON.parse(Buffer.from(latin1, 'latin1').toString('utf8'))
    const type = typeof line === 'object' && line !== null && 'type' in line ? line.type : undefined
    return typeof type === 'string' && AUDIT_TYPES.includes(type) && /,"hash":"[\w-]{43}"[,}]/.test(latin1)
  } catch {
    return false
  }
}

/** LevelDB's own log of what it does. It quotes keys of rows, escaped. */
export const isLevelInfoLine = (line: string): boolean =>
  /^\d{4}\/\d\d\/\d\d-\d\d:\d\d:\d\d\.\d{6} [0-9a-f]+ /.test(line)
