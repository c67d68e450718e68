import type { Principal } from '../../iam/principal.ts'
import type { Objects } from '../../objects/objects.ts'
import type { RequestBody, S3Request } from './request.ts'

export type ReplyBody = string | Buffer | AsyncIterable<Buffer>

export interface S3Reply {
  readonly status: number
  readonly headers?: Readonly<Record<string, string | number | undefined>>
  readonly body?: ReplyBody
}

/** What one operation may touch, handed in by the handler after authentication and authorisation. */
export interface OperationContext {
  readonly request: S3Request
  readonly principal: Principal
  /** CRN of the object storage instance that the caller acts in. */
  readonly serviceInstanceCrn: string
  readonly owner: Owner
  readonly body: RequestBody
  readonly objects: Objects
}

export interface Owner {
  readonly id: string
  readonly displayName: string
}

export type S3Action = `s3:${string}`

export interface S3OperationSpec<Input> {
  /** Name in the S3 API: metrics label, audit name, coverage table, NotImplemented message. */
  readonly name: string
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE'
  readonly on: 'service' | 'bucket' | 'object'
  /** Query parameters that select the operation: `true` = present with any value. */
  readonly query?: Readonly<Record<string, true>>
  /** Headers whose presence selects the operation (x-amz-copy-source). */
  readonly headers?: readonly string[]
  readonly action: S3Action
  /** Further permissions on other resources, e.g. reading the source of a copy. */
  readonly alsoReads?: (request: S3Request) => { readonly bucket: string; readonly action: S3Action } | undefined
  readonly parse: (request: S3Request) => Input
  readonly run: (input: Input, context: OperationContext) => Promise<S3Reply>
}

export interface S3Operation extends Omit<S3OperationSpec<never>, 'parse' | 'run'> {
  /** Parses, then hands back the rest: a bad request fails before the body is read and before anything happens. */
  readonly prepare: (request: S3Request) => (context: OperationContext) => Promise<S3Reply>
}

/** Closes over the input type, so that the table of operations is homogeneous and needs no casts. */
export function defineOperation<Input>(spec: S3OperationSpec<Input>): S3Operation {
  const { parse, run, ...rest } = spec
  return {
    ...rest,
    prepare: (request) => {
      const input = parse(request)
      return (context) => run(input, context)
    },
  }
}
