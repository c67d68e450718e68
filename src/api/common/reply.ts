import type { Readable } from 'node:stream'

export interface Reply {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  /** A stream that fails cuts the connection: the status has been sent by then. */
  readonly body?: string | Buffer | Readable
}

export type ReplyHeaders = Readonly<Record<string, string>>

export function json(status: number, body: unknown, headers: ReplyHeaders = {}): Reply {
  return { status, headers: { 'Content-Type': 'application/json', ...headers }, body: JSON.stringify(body) }
}

export function empty(status: number, headers: ReplyHeaders = {}): Reply {
  return { status, headers }
}
