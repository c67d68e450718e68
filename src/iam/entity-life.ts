import { z } from 'zod'
import { CodedError } from '../base/errors.ts'
import type { IamErrorCode } from './errors.ts'
import type { Actor, EntityLife } from './records.ts'

/** More would let one row grow without end. */
const MAX_HISTORY = 20

export const lifeSchema = z.strictObject({
  createdAtMs: z.number(),
  createdBy: z.string(),
  modifiedAtMs: z.number(),
  revision: z.number(),
  history: z.array(
    z.strictObject({
      atMs: z.number(),
      iamId: z.string(),
      accountId: z.string(),
      action: z.string(),
      params: z.array(z.string()),
    }),
  ),
})

export function newLife(by: Actor, atMs: number, action: string): EntityLife {
  const { iamId, accountId } = by
  const history = [{ atMs, iamId, accountId, action, params: [] }]
  return { createdAtMs: atMs, createdBy: iamId, modifiedAtMs: atMs, revision: 1, history }
}

/** Of what was declared: nobody knows when. */
export const declaredLife = (createdBy: string): EntityLife => ({
  createdAtMs: 0,
  createdBy,
  modifiedAtMs: 0,
  revision: 1,
  history: [],
})

export function revisedLife(
  life: EntityLife,
  { iamId, accountId }: Actor,
  atMs: number,
  action: string,
  params: readonly string[] = [],
): EntityLife {
  const entry = { atMs, iamId, accountId, action, params }
  return {
    ...life,
    modifiedAtMs: atMs,
    revision: life.revision + 1,
    history: [...life.history, entry].slice(-MAX_HISTORY),
  }
}

/** Throws EntityConflict when the caller has seen another revision. */
export function requireRevision({ revision }: EntityLife, seen: number | undefined): void {
  if (seen !== undefined && seen !== revision) {
    throw new CodedError<IamErrorCode>('EntityConflict', 'it has changed since it was read')
  }
}

/** Throws EntityLocked. */
export function requireUnlocked({ locked }: { readonly locked: boolean }): void {
  if (locked) throw new CodedError<IamErrorCode>('EntityLocked', 'it is locked: unlock it first')
}

export const notFound = (what: string): CodedError<IamErrorCode> =>
  new CodedError('EntityNotFound', `there is no such ${what}`)

export const gone = (what: string): CodedError<IamErrorCode> => new CodedError('EntityGone', `the ${what} was deleted`)
