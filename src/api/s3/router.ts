import { S3Error } from './error-codes.ts'
import { type S3Operation, SELECTORS } from './operation.ts'
import type { S3Request } from './request.ts'
import { UNIMPLEMENTED } from './unimplemented.ts'

export interface Router {
  /** The operation that a request names. Throws NotImplemented by name for what S3 has and Coffer has not, MethodNotAllowed otherwise. */
  readonly find: (request: S3Request) => S3Operation
}

const demands = (operation: S3Operation): number =>
  Object.keys(operation.query ?? {}).length + (operation.headers?.length ?? 0)

/** Refuses at start-up two operations that claim the same request; tries the most demanding first. */
export function createRouter(operations: readonly S3Operation[]): Router {
  const table = new Map<string, S3Operation[]>()
  const claims = new Set<string>()
  for (const operation of operations) {
    const queries = Object.keys(operation.query ?? {})
      .sort()
      .join('&')
    const claim = `${operation.method} ${operation.on} ?${queries} [${(operation.headers ?? []).join()}]`
    if (claims.has(claim)) throw new Error(`two S3 operations claim ${claim}`)
    claims.add(claim)
    const slot = `${operation.method} ${operation.on}`
    table.set(
      slot,
      [...(table.get(slot) ?? []), operation].sort((a, b) => demands(b) - demands(a)),
    )
  }

  return {
    find: (request) => {
      const on = resourceOf(request)
      const candidates = table.get(`${request.method} ${on}`) ?? []
      refuseHalfChosen(candidates, request)
      const chosen = candidates.find((operation) => demands(operation) > 0 && claimed(operation, request))
      if (chosen) return refusingSelectors(chosen, request)
      refuseUnimplemented(request, on)
      // A subresource of an implemented operation with another method must not fall through to the plain one.
      const stray = straySubresource(operations, request, on)
      const plain = candidates.find((operation) => demands(operation) === 0)
      if (plain && !stray) return refusingSelectors(plain, request)
      const methods = operations
        .filter((operation) => operation.on === on && (stray ? operation.query?.[stray] : demands(operation) === 0))
        .map((operation) => operation.method)
      throw methodNotAllowed(request, stray ?? on, methods)
    },
  }
}

const resourceOf = (request: S3Request): 'service' | 'bucket' | 'object' =>
  request.key !== undefined ? 'object' : request.bucket !== undefined ? 'bucket' : 'service'

const claimed = (operation: S3Operation, request: S3Request): boolean =>
  Object.keys(operation.query ?? {}).every((name) => request.query.has(name)) &&
  (operation.headers ?? []).every((name) => request.headers.has(name))

function refuseUnimplemented(request: S3Request, on: 'service' | 'bucket' | 'object'): void {
  for (const name of request.query.keys()) {
    const methods = Object.hasOwn(UNIMPLEMENTED[on], name) ? UNIMPLEMENTED[on][name] : undefined
    if (!methods) continue
    const found = new Map(Object.entries(methods)).get(request.method)
    if (!found) throw methodNotAllowed(request, name, Object.keys(methods))
    const operation = typeof found === 'string' ? found : request.query.has(found.by) ? found.one : found.all
    throw new S3Error('NotImplemented', `${operation} is not implemented.`)
  }
  // The one operation that is chosen by a header: an Object Lambda's answer.
  if (request.method === 'POST' && request.headers.has('x-amz-request-route')) {
    throw new S3Error('NotImplemented', 'WriteGetObjectResponse is not implemented.')
  }
}

/** They say which one of a subresource is meant and choose nothing alone. */
const QUALIFIERS: ReadonlySet<string> = new Set(['id'])

/** RFC 9110: a 405 says which methods there are. */
function methodNotAllowed({ method }: S3Request, resource: string, methods: readonly string[]): S3Error {
  return new S3Error('MethodNotAllowed', undefined, {
    extra: { Method: method, ResourceType: resource.toUpperCase() },
    headers: { allow: [...new Set(methods)].sort().join(', ') },
  })
}

/** Of several parameters that choose an operation together, some would leave another operation than the one meant. */
function refuseHalfChosen(candidates: readonly S3Operation[], request: S3Request): void {
  const { query } = request
  const whole = candidates.filter((operation) => claimed(operation, request))
  const chosen = candidates.filter((one) => Object.keys(one.query ?? {}).every((name) => query.has(name)))
  for (const operation of candidates) {
    const names = Object.keys(operation.query ?? {})
    // What is given chooses another one, of which it is all.
    if (chosen.some((one) => names.every((name) => !query.has(name) || one.query?.[name]))) continue
    const missing = names.find((name) => !query.has(name))
    const given = names.find((name) => query.has(name) && !QUALIFIERS.has(name))
    if (given === undefined || missing === undefined) continue
    // What is given may be all that another operation wants: without an id, the list.
    if (whole.some((other) => other.query?.[given])) continue
    throw new S3Error('InvalidArgument', `The parameter ${given} must be given together with ${missing}.`, {
      extra: { ArgumentName: given, ArgumentValue: query.get(given) ?? '' },
    })
  }
}

function refusingSelectors(operation: S3Operation, { query }: S3Request): S3Operation {
  for (const name of SELECTORS) {
    const value = query.get(name)
    if (value === undefined || operation.takes?.includes(name) || operation.query?.[name]) continue
    const what = name === 'versionId' ? 'version-id' : 'part number'
    throw new S3Error('InvalidArgument', `This operation does not accept a ${what}.`, {
      extra: { ArgumentName: name, ArgumentValue: value },
    })
  }
  return operation
}

function straySubresource(operations: readonly S3Operation[], request: S3Request, on: string): string | undefined {
  // list-type chooses between variants, and partNumber is refused by its own name: they are not subresources.
  const selectors = new Set(['list-type', 'partNumber', ...QUALIFIERS])
  for (const operation of operations) {
    if (operation.on !== on) continue
    for (const name of Object.keys(operation.query ?? {})) {
      if (!selectors.has(name) && request.query.has(name)) return name
    }
  }
  return undefined
}
