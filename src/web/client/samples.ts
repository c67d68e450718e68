import { API, callJson } from './http.ts'

type Column = readonly number[]
type Spans = readonly (number | null)[]

/** Columns of one length, oldest first; the last one is the minute under way. */
export interface Minutes {
  /** Seconds since 1970. */
  readonly at: Column
  readonly requests: Column
  /** 4xx. */
  readonly refused: Column
  /** 5xx. */
  readonly failed: Column
  readonly receivedBytes: Column
  readonly sentBytes: Column
  readonly p50Ms: Spans
  readonly p95Ms: Spans
  readonly p99Ms: Spans
  readonly keyCalls: Column
  readonly keyFailures: Column
  readonly unwraps: Column
  readonly controlRequests: Column
}

export interface StoredUsage {
  readonly objects: number
  readonly bytes: number
  readonly uploads: number
}

export interface Samples {
  /** The process started. */
  readonly since: string
  readonly intervalSeconds: number
  readonly minutes: Minutes
  /** By the hour, and now; to who manages every bucket. */
  readonly stored?: readonly {
    readonly at: string
    readonly providerManaged: StoredUsage
    readonly customerManaged: StoredUsage
  }[]
}

/** `after`: ISO 8601. */
export const getSamples = async (after?: string, signal?: AbortSignal): Promise<Samples> =>
  (await callJson(`${API}/admin/v1/samples`, { query: { after }, signal })) as Samples
