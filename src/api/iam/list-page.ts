import { decodeBase64url } from '../../base/decode.ts'
import { CodedError } from '../../base/errors.ts'
import type { Policy } from '../../iam/policy.ts'
import type { ApiRequest } from '../common/request.ts'
import type { PolicyOrder } from './list-query.ts'
import type { PolicyErrorCode } from './policy-protocol.ts'
import type { PolicyLinks } from './reply-schemas.ts'

const MAX_LIMIT = 100

const invalid = (message: string): CodedError<PolicyErrorCode> => new CodedError('ParameterInvalid', message)

export interface PolicyPage {
  readonly policies: readonly Policy[]
  /** `limit`, `first`, `next`; nothing when no page was asked for. */
  readonly links: PolicyLinks
}

/**
 * Without `limit` everything; with it, pages. A page starts after a place in the order and not after a policy, so that
 * one deleted in between is not missed. Throws ParameterInvalid.
 */
export function pageOf(request: ApiRequest, found: readonly Policy[], { placeOf, compare }: PolicyOrder): PolicyPage {
  const { query } = request
  const start = query.get('start')
  const from = start === undefined ? undefined : readStart(start)
  const sorted = found
    .map((policy) => ({ policy, place: placeOf(policy) }))
    .sort((a, b) => compare(a.place, b.place))
    .filter(({ place }) => from === undefined || (typeof from[0] === typeof place[0] && compare(place, from) > 0))
  const limitText = query.get('limit')
  if (limitText === undefined) return { policies: sorted.map(({ policy }) => policy), links: {} }
  const limit = /^\d{1,4}$/.test(limitText) ? Number(limitText) : 0
  if (limit < 1 || limit > MAX_LIMIT) throw invalid(`limit must be 1 to ${MAX_LIMIT}`)
  const shown = sorted.slice(0, limit)
  const last = sorted.length > limit ? shown.at(-1) : undefined
  const next = last && writeStart(last.place)
  return {
    policies: shown.map(({ policy }) => policy),
    links: {
      limit,
      first: { href: pageUrl(request) },
      ...(next === undefined ? {} : { next: { start: next, href: pageUrl(request, next) } }),
    },
  }
}

type Place = ReturnType<PolicyOrder['placeOf']>

const writeStart = (place: Place): string => Buffer.from(JSON.stringify(place), 'utf8').toString('base64url')

function readStart(token: string): Place {
  try {
    const place: unknown = JSON.parse(decodeBase64url(token)?.toString('utf8') ?? '')
    if (Array.isArray(place) && place.length === 2) {
      const [key, id]: readonly unknown[] = place
      if ((typeof key === 'string' || typeof key === 'number') && typeof id === 'string') return [key, id]
    }
  } catch {
    // Not a token of ours: said below.
  }
  throw invalid('start is not a token of this list')
}

function pageUrl({ url, query }: ApiRequest, start?: string): string {
  const parameters = new URLSearchParams([...query].filter(([name]) => name !== 'start'))
  if (start !== undefined) parameters.set('start', start)
  return `${url}?${parameters}`
}
