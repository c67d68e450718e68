import { readFile, rm } from 'node:fs/promises'
import { z } from 'zod'
import { CodedError } from '../../base/errors.ts'
import type { Finding } from '../../objects/verify/finding.ts'
import type { VerifyCounts, VerifyCursor } from '../../objects/verify/verify-contents.ts'
import { hasErrno } from '../../storage/errno.ts'
import { replaceFile } from '../../storage/replace-file.ts'

/** How far a verification has come, for one that was ended. */
export interface VerifyState {
  readonly cursor: VerifyCursor
  readonly counts: VerifyCounts
  readonly bytesRead: number
  /** Of the contents, up to the cursor. */
  readonly findings: readonly Finding[]
}

export type VerifyStateErrorCode = 'VerifyStateInvalid'

const schema = z.object({
  v: z.literal(1),
  /** Id of the instance key: whose data directory it is of. */
  keyId: z.string(),
  space: z.int(),
  after: z.string().regex(/^([0-9a-f]{2})*$/),
  bytesRead: z.number(),
  counts: z.object({
    objects: z.int(),
    deleteMarkers: z.int(),
    uploads: z.int(),
    bytes: z.number(),
    closed: z.record(z.string(), z.int()),
  }),
  findings: z.array(z.custom<Finding>((value) => typeof value === 'object' && value !== null)),
})

/** Undefined where there is none yet. Throws VerifyStateInvalid. */
export async function readVerifyState(path: string, keyId: string): Promise<VerifyState | undefined> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    if (hasErrno(error, 'ENOENT')) return undefined
    throw error
  })
  if (text === undefined) return undefined
  const parsed = schema.safeParse(parse(text))
  const refuse = (why: string) =>
    new CodedError<VerifyStateErrorCode>('VerifyStateInvalid', `${path} ${why}: name another file, or remove it`)
  if (!parsed.success) throw refuse('is not the state of a verification')
  const { space, after, counts, bytesRead, findings, keyId: of } = parsed.data
  if (of !== keyId) throw refuse('is the state of a verification of another data directory')
  return { cursor: { space, after: Buffer.from(after, 'hex') }, counts, bytesRead, findings }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

export async function writeVerifyState(path: string, keyId: string, { cursor, ...rest }: VerifyState): Promise<void> {
  const state = { v: 1, keyId, space: cursor.space, after: cursor.after.toString('hex'), ...rest }
  await replaceFile(path, `${JSON.stringify(state)}\n`)
}

/** It has come to its end: the next one looks at everything again. */
export const removeVerifyState = (path: string): Promise<void> => rm(path, { force: true })
