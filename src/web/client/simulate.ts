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

/** Those of the actions that whoever is signed in may not do. What cannot be asked is not among them: the server decides anyway. */
export async function refusedActions<Action extends string>(
  resource: string,
  actions: readonly Action[],
  signal?: AbortSignal,
): Promise<ReadonlySet<Action>> {
  const verdicts = actions.map((action) =>
    simulate({ action, resource }, signal).then(
      ({ allowed }) => allowed,
      () => true,
    ),
  )
  const allowed = await Promise.all(verdicts)
  return new Set(actions.filter((_, index) => allowed[index] === false))
}
