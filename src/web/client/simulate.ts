import type { DecidedBy } from './activity.ts'
import { API, callJson } from './http.ts'

export interface Question {
  /** IAM id; left out: whoever is signed in. */
  readonly principal?: string
  /** `s3:GetObject`, `kms.secrets.disable`, … */
  readonly action: string
  /** `bucket`, `bucket/key`, or a CRN. */
  readonly resource?: string
}

export interface Verdict {
  readonly allowed: boolean
  readonly decisions: readonly {
    readonly action: string
    readonly allowed: boolean
    readonly reason?: string
    readonly decidedBy?: DecidedBy
  }[]
}

/** May somebody do this? Nothing is done. */
export const simulate = async (question: Question, signal?: AbortSignal): Promise<Verdict> =>
  (await callJson(`${API}/admin/v1/simulate`, { method: 'POST', json: question, signal })) as Verdict
