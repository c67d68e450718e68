import type { MessagePort } from 'node:worker_threads'
import { CodedError, type ErrorDetails } from '../../base/errors.ts'

/** Of each call by its name: what is asked, and what is answered. */
export type Calls<Names> = { readonly [Name in keyof Names]: { readonly asked: unknown; readonly answered: unknown } }

export type Handlers<Mine extends Calls<Mine>> = {
  readonly [Name in keyof Mine]: (
    asked: Mine[Name]['asked'],
  ) => Mine[Name]['answered'] | Promise<Mine[Name]['answered']>
}

/** What is common to a worker and to its parent, seen from each other. */
export interface Port {
  readonly postMessage: (message: unknown, transfer: Transferred[]) => void
  readonly on: (event: 'message', listener: (message: unknown) => void) => unknown
}

export type Transferred = ArrayBuffer | MessagePort

/** Calls between two threads. Those of one turn of the event loop go together: a message takes 15 to 30 us on each side. */
export interface Line<Theirs extends Calls<Theirs>> {
  /** `transfer`: memory in `asked` that is handed over. Rejects with what the other thread throws; coded errors keep their code. */
  readonly ask: <Name extends keyof Theirs>(
    name: Name,
    asked: Theirs[Name]['asked'],
    transfer?: readonly Transferred[],
  ) => Promise<Theirs[Name]['answered']>
  /** The same, put together when the message goes out: with it goes all that comes up in that turn. */
  readonly askLast: <Name extends keyof Theirs>(
    name: Name,
    make: () => { readonly asked: Theirs[Name]['asked']; readonly transfer: readonly Transferred[] },
  ) => Promise<Theirs[Name]['answered']>
  /** Nobody waits for an answer. */
  readonly tell: <Name extends keyof Theirs>(
    name: Name,
    asked: Theirs[Name]['asked'],
    transfer?: readonly Transferred[],
  ) => void
  /** The other thread is gone: whatever it was asked, and is asked from now on, rejects with this. */
  readonly end: (error: Error) => void
}

type Item =
  | { readonly type: 'call'; readonly id: number | undefined; readonly name: PropertyKey; readonly asked: unknown }
  | { readonly type: 'answer'; readonly id: number; readonly answered: unknown }
  | { readonly type: 'failure'; readonly id: number; readonly failure: Failure }

export function openLine<Mine extends Calls<Mine>, Theirs extends Calls<Theirs>>(
  port: Port,
  handlers: Handlers<Mine>,
  onError: (error: unknown) => void,
): Line<Theirs> {
  const waiting = new Map<number, { resolve: (answered: never) => void; reject: (error: unknown) => void }>()
  let items: (Item | (() => Item | undefined))[] = []
  let transfers: Transferred[] = []
  let last = 0
  let ended: Error | undefined
  const flush = (): void => {
    const sent = items.map((item) => (typeof item === 'function' ? item() : item)).filter((item) => item !== undefined)
    const memory = transfers
    items = []
    transfers = []
    port.postMessage(sent, memory)
  }
  const send = (item: Item | (() => Item | undefined)): void => {
    if (items.length === 0) setImmediate(flush)
    items.push(item)
  }

  const serve = async ({ id, name, asked }: Extract<Item, { type: 'call' }>): Promise<void> => {
    try {
      // Both threads run this code, and speak of the same calls.
      const answered = await handlers[name as keyof Mine](asked)
      if (id !== undefined) send({ type: 'answer', id, answered })
    } catch (error) {
      if (id === undefined) onError(error)
      else send({ type: 'failure', id, failure: failureOf(error) })
    }
  }
  port.on('message', (message) => {
    for (const item of message as readonly Item[]) {
      if (item.type === 'call') {
        void serve(item)
        continue
      }
      const waiter = waiting.get(item.id)
      waiting.delete(item.id)
      if (item.type === 'answer') waiter?.resolve(item.answered as never)
      else waiter?.reject(errorOf(item.failure))
    }
  })

  const call = <Name extends keyof Theirs>(sendAs: (id: number) => void): Promise<Theirs[Name]['answered']> =>
    new Promise((resolve, reject) => {
      if (ended) return reject(ended)
      const id = ++last
      waiting.set(id, { resolve, reject })
      sendAs(id)
    })

  return {
    ask: (name, asked, transfer = []) =>
      call((id) => {
        transfers.push(...transfer)
        send({ type: 'call', id, name, asked })
      }),
    askLast: (name, make) =>
      call((id) =>
        send(() => {
          try {
            const { asked, transfer } = make()
            transfers.push(...transfer)
            return { type: 'call', id, name, asked }
          } catch (error) {
            waiting.get(id)?.reject(error)
            waiting.delete(id)
            return undefined
          }
        }),
      ),
    tell: (name, asked, transfer = []) => {
      transfers.push(...transfer)
      send({ type: 'call', id: undefined, name, asked })
    },
    end: (error) => {
      ended = error
      for (const { reject } of waiting.values()) reject(error)
      waiting.clear()
    },
  }
}

/** An error on its way: a structured clone would lose its code. */
export interface Failure {
  readonly code: string | undefined
  readonly message: string
  readonly details: ErrorDetails
  readonly stack: string | undefined
}

export function failureOf(error: unknown): Failure {
  const { message, stack } = error instanceof Error ? error : new Error(String(error))
  return error instanceof CodedError
    ? { code: error.code, message, details: error.details, stack }
    : { code: undefined, message, details: {}, stack }
}

export function errorOf({ code, message, details, stack }: Failure): Error {
  const error = code === undefined ? new Error(message) : new CodedError(code, message, { details })
  if (stack !== undefined) error.stack = stack
  return error
}
