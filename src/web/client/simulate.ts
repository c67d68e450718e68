import type { DecidedBy } from './activity.ts'
import { onChange } from './changes.ts'
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

const FRESH_MS = 15_000
const answers = new Map<string, { readonly atMs: number; readonly allowed: Promise<boolean> }>()
onChange(['access'], () => answers.clear())

/** What was asked a moment ago, by another part of the page, is not asked again. */
function mayI(action: string, resource: string): Promise<boolean> {
  const name = JSON.stringify([action, resource])
  const known = answers.get(name)
  if (known && Date.now() - known.atMs < FRESH_MS) return known.allowed
  const allowed = simulate({ action, ...(resource === '' ? {} : { resource }) }).then(
    (verdict) => verdict.allowed,
    () => true,
  )
  answers.set(name, { atMs: Date.now(), allowed })
  return allowed
}

/** Those of the actions that whoever is signed in may not do. What cannot be asked is not among them: the server decides anyway. */
export async function refusedActions<Action extends string>(
  resource: string,
  actions: readonly Action[],
): Promise<ReadonlySet<Action>> {
  const allowed = await Promise.all(actions.map((action) => mayI(action, resource)))
  return new Set(actions.filter((_, index) => allowed[index] === false))
}
