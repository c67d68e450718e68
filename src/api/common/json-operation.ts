import { z } from 'zod'
import { decodeBody } from './body.ts'
import type { Reply } from './reply.ts'
import type { ApiRequest } from './request.ts'

export type Method = 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

export interface JsonOperationInfo {
  /** Name in its API: metrics label, audit name, catalogue entry. */
  readonly name: string
  readonly method: Method
  /** It changes nothing, whatever its method is. */
  readonly isQuestion?: boolean
  /** `/api/v2/keys/:id/actions/wrap`. A literal segment wins over a parameter, whatever the order of definition. */
  readonly path: string
  /** Query parameters that select the operation among those of one path: `true` = present with any value. */
  readonly query?: Readonly<Record<string, string | true>>
  /** What the caller must be allowed to do; left to the API's own door when absent. */
  readonly action?: string
  /** No authentication: `authenticate` is still called and may look at this. */
  readonly anonymous?: boolean
  readonly bodyFormat?: 'json' | 'form'
  /** In a sentence, for the API's description. */
  readonly summary?: string
  /** Query parameters beside those in `query`, for the API's description and for `queryOf`. */
  readonly takes?: z.ZodObject
  /** For the API's description: what the operation answers when it has done it; absent when that has no body. */
  readonly reply?: z.ZodType
  /** Of what it takes, for the API's description; absent when it takes none. */
  readonly bodySchema?: z.ZodType
}

type Shown<Value> = Value extends readonly (infer Item)[]
  ? readonly Shown<Item>[]
  : Value extends object
    ? { readonly [Name in keyof Value]: Shown<Value[Name]> }
    : Value

/** What a `reply` describes, for who makes it: so that what is answered is what the API's description says. */
export type AnswerOf<Schema extends z.ZodType> = Shown<z.output<Schema>>

/** Of an operation that takes none: whatever came is not read. */
export const noBody = z.undefined()

export interface JsonOperationSpec<Context, Schema extends z.ZodType> extends JsonOperationInfo {
  /**
   * Decoded strictly: use z.strictObject. An empty body is `undefined`: a schema that takes undefined accepts it,
   * any other answers BodyMissing.
   */
  readonly body: Schema
  readonly run: (input: JsonInput<z.output<Schema>>, context: Context) => Promise<Reply>
}

export interface JsonInput<Body> {
  readonly request: ApiRequest
  readonly body: Body
}

export interface JsonOperation<Context> extends JsonOperationInfo {
  readonly readsBody: boolean
  /** Decodes, then hands back the rest: a bad body fails before anything happens. */
  readonly prepare: (request: ApiRequest, decoded: unknown) => (context: Context) => Promise<Reply>
}

/** One call of an operation, for whoever records it. */
export interface Call {
  readonly request: ApiRequest
  readonly operation: JsonOperationInfo
  /** What `authenticate` made; undefined until then. */
  context: unknown
}

export interface CallAudit {
  /** Throws when the call could not be recorded: nothing is done then. */
  readonly begin: (call: Call) => void
  /** The answer leaves when this has resolved. */
  readonly ended: (call: Call, reply: Reply) => Promise<void>
  readonly failed: (call: Call, error: unknown) => void
}

/**
 * How one API speaks. The life of a request: find the operation, `authenticate`, read and decode the body, `run`;
 * whatever any of them throws goes to `renderError`, which must answer everything (unknown errors as 500 without their text).
 */
export interface JsonProtocol<Context> {
  readonly name: string
  /** Paths whose errors are this API's, known operation or not. */
  readonly prefixes: readonly string[]
  /** Default 1 MiB. */
  readonly bodyLimitBytes?: number
  /** Makes what operations may touch; called before the body is read. */
  readonly authenticate: (request: ApiRequest, operation: JsonOperationInfo) => Promise<Context>
  /** Told of every call, those included whose caller nobody knows. */
  readonly audit?: CallAudit
  /** Between JSON and schema, e.g. for member names without regard to case. */
  readonly normaliseBody?: (decoded: unknown, operation: JsonOperationInfo) => unknown
  readonly renderError: (error: unknown, request: ApiRequest) => Reply
  /** For the API's description: what `renderError` answers. */
  readonly error: z.ZodType
  /** Added to every answer. */
  readonly replyHeaders?: (request: ApiRequest) => Readonly<Record<string, string>>
}

/**
 * `const define = jsonOperations<MyContext>()`, then one `define({ name, method, path, body, run })` per file.
 * Closes over the body type, so that the table of operations is homogeneous and needs no casts.
 */
export function jsonOperations<Context>() {
  return <Schema extends z.ZodType>(spec: JsonOperationSpec<Context, Schema>): JsonOperation<Context> => {
    const { body: schema, run, ...info } = spec
    const readsBody = !Object.is(schema, noBody)
    return {
      ...info,
      readsBody,
      ...(readsBody ? { bodySchema: schema } : {}),
      prepare: (request, decoded) => {
        const body = decodeBody(schema, decoded)
        return (context) => run({ request, body }, context)
      },
    }
  }
}
