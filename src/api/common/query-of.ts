import type { z } from 'zod'
import { CodedError } from '../../base/errors.ts'
import type { ApiRequest, RequestErrorCode } from './request.ts'

/** The query parameters of an operation's `takes`; others are not looked at. Throws BadQuery. */
export function queryOf<Schema extends z.ZodObject>(
  request: Pick<ApiRequest, 'query'>,
  schema: Schema,
): z.output<Schema> {
  const result = schema.safeParse(Object.fromEntries(request.query))
  if (result.success) return result.data
  const [issue] = result.error.issues
  const name = String(issue?.path[0] ?? '')
  const message = request.query.has(name)
    ? `the query parameter ${name}: ${issue?.message}`
    : `the query parameter ${name} is missing`
  throw new CodedError<RequestErrorCode>('BadQuery', message)
}
