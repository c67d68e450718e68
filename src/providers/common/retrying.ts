import { setTimeout as sleep } from 'node:timers/promises'
import type { Circuit } from './circuit.ts'
import { failure } from './failure.ts'
import type { HttpReply } from './http-exchange.ts'

export interface RetryingOptions {
  readonly circuit: Pick<Circuit, 'assertClosed' | 'succeeded' | 'failed'>
  /** Of `performance.now()`: for the whole call, its repeats and the waits between them. */
  readonly deadlineMs: number
  readonly random?: () => number
}

const FIRST_WAIT_MS = 50
const LONGEST_WAIT_MS = 1000
/** A call that fails this often has failed. */
const MAX_ATTEMPTS = 5
/** An attempt that hangs leaves time for another. */
const ATTEMPT_SHARE = 0.5

/**
 * Repeats a call, which must be one that may be repeated, while the service cannot be reached, asks for patience (429)
 * or fails (5xx). Waits grow and are random, so that those who wait do not come back together. Throws
 * KeyProviderUnavailable; any other answer is the caller's.
 */
export async function retrying(
  attempt: (signal: AbortSignal) => Promise<HttpReply>,
  { circuit, deadlineMs, random = Math.random }: RetryingOptions,
): Promise<HttpReply> {
  const attemptMs = (deadlineMs - performance.now()) * ATTEMPT_SHARE
  for (let attempts = 1; ; attempts++) {
    circuit.assertClosed()
    const outcome = await tried(attempt, Math.min(attemptMs, deadlineMs - performance.now()))
    const { problem, reply, retryAfterMs = 0 } = outcome
    if (reply !== undefined && reply.status < 500) circuit.succeeded()
    if (problem === undefined) return outcome.reply
    if (reply === undefined || reply.status >= 500) circuit.failed(problem)
    const backoffMs = random() * Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** attempts)
    const waitMs = Math.max(backoffMs, retryAfterMs)
    if (attempts === MAX_ATTEMPTS || performance.now() + waitMs >= deadlineMs) {
      throw failure('KeyProviderUnavailable', problem, { retryAfterMs })
    }
    await sleep(waitMs, undefined, { ref: false })
  }
}

type Outcome =
  | { readonly reply: HttpReply; readonly problem?: undefined; readonly retryAfterMs?: undefined }
  | { readonly reply?: HttpReply; readonly problem: Error; readonly retryAfterMs?: number }

async function tried(attempt: (signal: AbortSignal) => Promise<HttpReply>, timeoutMs: number): Promise<Outcome> {
  try {
    const reply = await attempt(AbortSignal.timeout(Math.max(1, Math.ceil(timeoutMs))))
    const { status, headers } = reply
    if (status !== 429 && (status < 500 || status === 501)) return { reply }
    return { reply, problem: new Error(`the service answered ${status}`), ...retryAfter(headers['retry-after']) }
  } catch (error) {
    return { problem: error instanceof Error ? error : new Error(String(error)) }
  }
}

/** Seconds, or a date. */
function retryAfter(header: string | undefined): { readonly retryAfterMs?: number } {
  if (header === undefined) return {}
  const ms = /^\d+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - Date.now()
  return Number.isFinite(ms) && ms > 0 ? { retryAfterMs: ms } : {}
}
