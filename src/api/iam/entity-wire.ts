import { CodedError } from '../../base/errors.ts'
import type { IamErrorCode } from '../../iam/errors.ts'
import type { EntityLife } from '../../iam/records.ts'
import type { ApiRequest } from '../common/request.ts'
import { type EntityErrorCode, parameterInvalid } from './entity-protocol.ts'
import type { LifeAnswer } from './reply-schemas.ts'

/** `2026-01-31T12:30+0000`, as IBM writes the times of identities. */
export const writeTime = (atMs: number): string => `${new Date(atMs).toISOString().slice(0, 16)}+0000`

/** ISO 8601; `''` means none. Throws ParameterInvalid. */
export function readTime(name: string, text: string | undefined): number | null | undefined {
  if (text === undefined) return undefined
  if (text === '') return null
  const match = /^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?)(Z|[+-]\d{2}:?\d{2})$/.exec(text)
  const zone = match?.[2]?.replace(/^([+-]\d{2}):?(\d{2})$/, '$1:$2')
  const atMs = match ? Date.parse(`${match[1]}${zone}`) : Number.NaN
  if (Number.isNaN(atMs)) throw parameterInvalid(`${name} is a time like 2026-01-31T12:30+0000`)
  return atMs
}

/** What was declared has no time of creation. */
export function writeLife(life: EntityLife, id: string, withHistory: boolean): LifeAnswer {
  const { createdAtMs, modifiedAtMs, createdBy } = life
  return {
    entity_tag: entityTag(life, id),
    ...(createdAtMs === 0 ? {} : { created_at: writeTime(createdAtMs) }),
    created_by: createdBy,
    ...(modifiedAtMs === 0 ? {} : { modified_at: writeTime(modifiedAtMs) }),
    ...(withHistory ? { history: writeHistory(life) } : {}),
  }
}

const writeHistory = ({ history }: EntityLife): NonNullable<LifeAnswer['history']> =>
  history.map(({ atMs, iamId, accountId, action, params }) => ({
    timestamp: writeTime(atMs),
    iam_id: iamId,
    iam_id_account: accountId,
    action,
    params,
    message: params.length === 0 ? action : `${action} ${params.join(', ')}`,
  }))

export const entityTag = ({ revision }: EntityLife, id: string): string =>
  `${revision}-${id.replace(/^\w+-/, '').replaceAll('-', '')}`

/** The revision that the caller has seen; undefined for `*`. Throws PreconditionMissing, EntityConflict. */
export function seenRevision(request: ApiRequest, life: EntityLife, id: string): number | undefined {
  const wanted = request.header('if-match')
  if (wanted === undefined) {
    throw new CodedError<EntityErrorCode>('PreconditionMissing', 'the header If-Match is required')
  }
  if (wanted === '*') return undefined
  if (wanted.replace(/^"(.*)"$/, '$1') !== entityTag(life, id)) {
    throw new CodedError<IamErrorCode>('EntityConflict', 'it has changed: If-Match is not its entity_tag')
  }
  return life.revision
}

/** `Entity-Lock: true`. Throws ParameterInvalid. */
export function flagHeader(request: ApiRequest, name: string): boolean {
  const value = request.header(name)?.toLowerCase() ?? 'false'
  if (value !== 'true' && value !== 'false') throw parameterInvalid(`the header ${name} is true or false`)
  return value === 'true'
}

export const wantsHistory = ({ query }: ApiRequest): boolean => query.get('include_history') === 'true'
