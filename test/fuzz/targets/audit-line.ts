import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Link } from '../../../src/audit/chain.ts'
import { checkLine } from '../../../src/audit/check-line.ts'
import { NO_HASH } from '../../../src/audit/format.ts'
import { PUBLIC_KEYS, writtenLog } from '../../support/audit-log.ts'
import { type FuzzTarget, never } from '../target.ts'

async function lines(): Promise<Buffer[]> {
  const directory = mkdtempSync(join(tmpdir(), 'coffer-fuzz-'))
  try {
    await writtenLog({ directory }, 6)
    const [name = ''] = readdirSync(directory).sort()
    return readFileSync(join(directory, name), 'latin1')
      .split('\n')
      .filter(Boolean)
      .map((line) => Buffer.from(line, 'latin1'))
  } finally {
    rmSync(directory, { recursive: true })
  }
}

/** Each line of a log with the head that it goes on from. */
const LINES = await lines()
const HEADS: Link[] = []
let head: Link = { seq: 0, hash: NO_HASH }
for (const line of LINES) {
  HEADS.push(head)
  const checked = checkLine(line, head, PUBLIC_KEYS)
  if ('problem' in checked) throw new Error(checked.problem)
  head = checked.link
}
const VALID = new Set(LINES.map((line) => line.toString('latin1')))

export const auditLineTarget: FuzzTarget = {
  name: 'audit-line',
  seeds: LINES,
  words: ['"seq":', '"type":"checkpoint"', '"hash":"', '"signature":"', '"prev":"', '"__proto__":', '\\u0061'],
  mayThrow: never,
  run: (input) => {
    for (const from of [...HEADS, undefined]) {
      const checked = checkLine(input, from, PUBLIC_KEYS)
      if ('problem' in checked) continue
      // Without a head the first line of a file says itself what it goes on from, and its hash has no secret.
      if (from !== undefined) assert.ok(VALID.has(input.toString('latin1')), 'a line that nobody wrote is taken')
    }
  },
}
