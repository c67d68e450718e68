import Router from '@koa/router'
import { CodedError } from '../../base/errors.ts'
import type { Api, ApiOperation } from './api.ts'
import type { RequestErrorCode } from './request.ts'

/** What the router found for a path: the operations of one method, or the methods the path has. */
export interface Match {
  readonly api: Api
  readonly candidates: readonly ApiOperation[]
  readonly params: ReadonlyMap<string, string>
}

interface RouteState {
  match?: Match
}

/**
 * Finds the operation of a request. @koa/router matches the raw path and decodes parameters once; bad escapes are
 * refused before it is asked. Throws at start when two operations claim the same request.
 */
export function createRoutes(apis: readonly Api[]): Router<RouteState> {
  const router = new Router<RouteState>({ strict: true, sensitive: true })
  for (const { api, operations } of groups(apis)) {
    const [first] = operations
    if (first === undefined) continue
    router.register(first.path, [first.method], (context) => {
      // The first route that matches is the one: it does not call the next.
      context.state.match = { api, candidates: operations, params: new Map(Object.entries(context.params)) }
    })
  }
  return router
}

/** One group per method and path, literal segments before parameters, HEAD before the HEAD that a GET brings along. */
function groups(apis: readonly Api[]): { readonly api: Api; readonly operations: ApiOperation[] }[] {
  const found = new Map<string, { readonly api: Api; readonly operations: ApiOperation[] }>()
  for (const api of apis) {
    for (const operation of api.operations) {
      const claim = `${operation.method} ${shapeOf(operation.path)}`
      const group = found.get(claim) ?? { api, operations: [] }
      refuseSameClaim(group.operations, operation)
      group.operations.push(operation)
      group.operations.sort((a, b) => demands(b) - demands(a))
      found.set(claim, group)
    }
  }
  const headFirst = (claim: string) => claim.replace(/^(HEAD|[A-Z]+) /, (_, method) => (method === 'HEAD' ? ' ' : '!'))
  return [...found].sort((a, b) => compare(headFirst(a[0]), headFirst(b[0]))).map(([, group]) => group)
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

/** Parameters sort after every literal: U+FFFF. */
const shapeOf = (path: string): string => path.replace(/:\w+/g, '\uffff')

const demands = (operation: ApiOperation): number => Object.keys(operation.query ?? {}).length

const querySignature = (operation: ApiOperation): string => JSON.stringify(Object.entries(operation.query ?? {}).sort())

function refuseSameClaim(operations: readonly ApiOperation[], operation: ApiOperation): void {
  const other = operations.find((known) => querySignature(known) === querySignature(operation))
  if (other) throw new Error(`${other.name} and ${operation.name} claim the same request`)
}

/** The most demanding operation whose query parameters are there. Throws NoSuchPath. */
export function selectOperation(candidates: readonly ApiOperation[], query: ReadonlyMap<string, string>): ApiOperation {
  const chosen = candidates.find((operation) =>
    Object.entries(operation.query ?? {}).every(([name, value]) =>
      value === true ? query.has(name) : query.get(name) === value,
    ),
  )
  if (!chosen) throw new CodedError<RequestErrorCode>('NoSuchPath', 'no operation has these query parameters')
  return chosen
}

/** NoSuchPath, or MethodNotAllowed naming the methods of the path. */
export function notRouted(router: Router<RouteState>, path: string): CodedError<RequestErrorCode> {
  const methods = [...new Set(router.match(path, 'GET').path.flatMap((layer) => layer.methods))]
  return methods.length === 0
    ? new CodedError<RequestErrorCode>('NoSuchPath', 'there is nothing at this path')
    : new CodedError<RequestErrorCode>('MethodNotAllowed', 'the path does not have this method', {
        details: { allow: methods.join(', ') },
      })
}
