import type { S3 } from '@aws-sdk/client-s3'

/** A store that a command reads or writes besides the server that it is for. */
export interface AnotherStore {
  readonly side: 'source' | 'target'
  readonly url: string
}

const clients = new WeakMap<S3, AnotherStore>()
const errors = new WeakMap<object, AnotherStore>()

/** Whatever fails with this client is told of that store, and not of the server. */
export function isOfAnother(s3: S3, store: AnotherStore): S3 {
  clients.set(s3, store)
  s3.middlewareStack.add(
    (next) => async (call) => {
      try {
        return await next(call)
      } catch (error) {
        failedAt(s3, error)
        throw error
      }
    },
    { step: 'initialize', name: 'another-store' },
  )
  return s3
}

/** Also of what fails behind the call: the content of an answer. */
export function failedAt(s3: S3, error: unknown): void {
  const store = clients.get(s3)
  if (store && typeof error === 'object' && error !== null && !errors.has(error)) errors.set(error, store)
}

export const storeBehind = (s3: S3): AnotherStore | undefined => clients.get(s3)

export const storeOf = (error: unknown): AnotherStore | undefined =>
  typeof error === 'object' && error !== null ? errors.get(error) : undefined
