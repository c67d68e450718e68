import type { z } from 'zod'
import type { JsonInput, JsonOperation } from '../common/json-operation.ts'
import type { Reply } from '../common/reply.ts'
import { defineOperation, type KeyProtectContext } from './context.ts'

interface KeyActionSpec<Schema extends z.ZodType> {
  readonly name: string
  /** Also the value of `?action=` in the older form of the call. */
  readonly key: string
  /** Below the key: `actions/wrap`. */
  readonly path: string
  readonly action: `kms.${string}`
  readonly body: Schema
  readonly reply?: z.ZodType
  readonly run: (input: JsonInput<z.output<Schema>>, context: KeyProtectContext) => Promise<Reply>
}

/** One action in its two forms: a path of its own, and `POST /keys/{id}?action=`. */
export function defineKeyAction<Schema extends z.ZodType>(
  spec: KeyActionSpec<Schema>,
): readonly JsonOperation<KeyProtectContext>[] {
  const { name, key, path, action, body, reply, run } = spec
  const call = { method: 'POST', action, body, ...(reply ? { reply } : {}), run } as const
  return [
    defineOperation({ ...call, name, path: `/api/v2/keys/:id/${path}` }),
    defineOperation({ ...call, name: `${name} by query`, path: '/api/v2/keys/:id', query: { action: key } }),
  ]
}
