import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { AuditEvent } from '../../src/audit/event.ts'
import { fileNumber } from '../../src/audit/format.ts'
import { openSigningKey, readPublicKeys } from '../../src/audit/keys.ts'
import { type AuditLog, type AuditLogOptions, openAuditLog } from '../../src/audit/log.ts'
import { type Verification, verifyLog } from '../../src/audit/verify.ts'

export const KEY = openSigningKey(Buffer.alloc(32, 7))
export const PUBLIC_KEYS = readPublicKeys(KEY.publicKeyPem)

export const event = (n = 0, more: Partial<AuditEvent> = {}): AuditEvent => ({
  kind: 'data-key',
  action: 's3.GetObject',
  outcome: 'success',
  iamId: 'IBMid-main',
  target: 'crn:v1:bluemix:public:cloud-object-storage:global:a/x:y:bucket:photos',
  object: `object ${n} Ω`,
  ...more,
})

export interface TestLogOptions extends Partial<AuditLogOptions> {
  readonly directory: string
}

/** Writes at once; its clock moves a millisecond an event; troubles are collected. */
export async function testLog(
  options: TestLogOptions,
): Promise<{ readonly log: AuditLog; readonly troubles: string[]; readonly failures: Error[] }> {
  let nowMs = Date.UTC(2030, 0, 1)
  const troubles: string[] = []
  const failures: Error[] = []
  const log = await openAuditLog({
    key: KEY,
    clock: { now: () => nowMs++ },
    fileBytes: 1024 ** 2,
    maxBytes: 10 * 1024 ** 2,
    onFailure: (error) => void failures.push(error),
    onTrouble: (message) => void troubles.push(message),
    timing: { flushMs: 1, retryMs: 1 },
    ...options,
  })
  return { log, troubles, failures }
}

/** A whole log of so many events, closed; a checkpoint after every `group`. */
export async function writtenLog(options: TestLogOptions, events: number, group = 5): Promise<void> {
  const { log } = await testLog(options)
  for (let n = 0; n < events; n++) {
    log.record(event(n))
    if (n % group === group - 1) await log.settled()
  }
  await log.close()
}

export const verifyDirectory = (path: string, expected?: { seq: number; hash: string }): Promise<Verification> =>
  verifyLog({ source: { type: 'directory', path }, keys: PUBLIC_KEYS, ...(expected ? { expected } : {}) })

/** Contents by file name, in order. */
export async function logFiles(directory: string): Promise<{ readonly path: string; readonly text: string }[]> {
  const names = (await readdir(directory)).filter((name) => fileNumber(name) !== undefined).sort()
  return Promise.all(
    names.map(async (name) => ({ path: join(directory, name), text: await readFile(join(directory, name), 'utf8') })),
  )
}

export async function recordsOf(directory: string): Promise<Record<string, unknown>[]> {
  const files = await logFiles(directory)
  return files.flatMap(({ text }) =>
    text
      .split('\n')
      .filter((line) => line.endsWith('"}'))
      .map((line) => JSON.parse(line)),
  )
}

export const eventsIn = async (directory: string): Promise<Record<string, unknown>[]> =>
  (await recordsOf(directory)).filter(({ type }) => type === 'event')

/** The file that is written to. */
export const endOf = async (directory: string) => (await logFiles(directory)).at(-1) ?? { path: '', text: '' }

/** A run that records events until it is so, and what it told the operator. */
export async function runUntil(
  options: TestLogOptions,
  so: (troubles: readonly string[]) => boolean | Promise<boolean>,
): Promise<readonly string[]> {
  const { log, troubles } = await testLog(options)
  for (let n = 0; !(await so(troubles)); n++) {
    if (n === 5000) throw new Error('it never was so')
    log.record(event(n))
    await log.settled()
  }
  await log.close()
  return troubles
}

/** Does the log say that files of it were removed? */
export const saysDropped = async (directory: string): Promise<boolean> =>
  (await recordsOf(directory)).some(({ type }) => type === 'dropped')
