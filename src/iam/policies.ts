import { CodedError } from '../base/errors.ts'
import { newUuid } from '../base/ids.ts'
import { keepAdministrator } from './administrators.ts'
import type { IamErrorCode } from './errors.ts'
import { userKey } from './keyspace.ts'
import { exactValue, type Policy, type PolicyDraft } from './policy.ts'
import type { Permits } from './policy-book.ts'
import { checkDraft } from './policy-check.ts'
import type { IamState } from './state.ts'
import type { Change } from './table.ts'

export interface Policies {
  /** Throws PolicyConflict when an active one says the same, PolicyInvalid, PolicyUnsupported, UnknownAccount. */
  readonly create: (draft: PolicyDraft, by: string) => Promise<Policy>
  /** Of any state, in no order. */
  readonly list: (accountId: string) => Iterable<Policy>
  readonly get: (id: string) => Policy | undefined
  /**
   * Throws PolicyNotFound, PolicyChanged when `revision` is given and stale, LastAdministrator, and what `create` throws.
   * The account stays.
   */
  readonly replace: (id: string, draft: PolicyDraft, by: string, revision?: number) => Promise<Policy>
  readonly setState: (id: string, state: Policy['state'], by: string, revision?: number) => Promise<Policy>
  /**
   * Gives no rights from that moment; `setState` brings it back, for 30 days. Throws PolicyNotFound, also for a deleted one,
   * and LastAdministrator.
   */
  readonly delete: (id: string, by: string) => Promise<void>
  readonly permits: (id: string) => Permits | undefined
  /** Of a thread that follows: hands out what it has counted, and forgets it. */
  readonly takePermits: () => ReadonlyMap<string, Permits>
  /** What another thread has counted. */
  readonly addPermits: (counted: ReadonlyMap<string, Permits>) => void
}

const RESTORABLE_MS = 30 * 86_400_000

export function createPolicies(state: IamState): Policies {
  const { policies, change, clock } = state

  const existing = (id: string, revision: number | undefined): Policy => {
    const known = policies.get(id)
    if (!known) throw failure('PolicyNotFound', `there is no policy ${id}`)
    if (revision !== undefined && revision !== known.revision)
      throw failure('PolicyChanged', 'the policy has changed: If-Match is not its ETag', { policy: id })
    return known
  }

  const undeleted = (id: string, revision?: number): Policy => {
    const known = existing(id, revision)
    if (known.state === 'deleted') throw failure('PolicyNotFound', `policy ${id} is deleted`)
    return known
  }

  const store = (next: Policy) => ({ changes: [policies.put(next.id, next)], result: next })

  const revised = (known: Policy, by: string) => ({
    id: known.id,
    state: known.state,
    revision: known.revision + 1,
    createdAtMs: known.createdAtMs,
    createdBy: known.createdBy,
    modifiedAtMs: clock.now(),
    modifiedBy: by,
  })

  return {
    create: (draft, by) =>
      change(() => {
        const made = newPolicy(state, draft, by)
        requireSubject(state, made)
        return store(made)
      }),
    list: policies.ofAccount,
    get: policies.get,
    replace: (id, draft, by, revision) =>
      change(() => {
        const known = undeleted(id, revision)
        const checked = checkDraft(state, draft)
        if (checked.accountId !== known.accountId)
          throw failure('PolicyInvalid', 'a policy cannot move to another account')
        if (checked.type !== known.type) throw failure('PolicyInvalid', 'a policy keeps its type')
        requireSubject(state, checked)
        refuseTwin(state, checked, id)
        const next = { ...checked, ...revised(known, by) }
        keepAdministrator(state, { of: 'policy', before: known, after: next })
        return store(next)
      }),
    setState: (id, wanted, by, revision) =>
      change(() => {
        const known = existing(id, revision)
        if (wanted === known.state) return { changes: [], result: known }
        if (wanted === 'active') {
          requireSubject(state, checkDraft(state, draftOf(known)))
          refuseTwin(state, known)
        } else keepAdministrator(state, { of: 'policy', before: known })
        return store({ ...known, ...revised(known, by), state: wanted })
      }),
    delete: async (id, by) => {
      await change(() => {
        const known = undeleted(id)
        keepAdministrator(state, { of: 'policy', before: known })
        const { changes } = store({ ...known, ...revised(known, by), state: 'deleted' })
        return { changes: [...changes, ...forgotten(state, known.accountId)], result: undefined }
      })
    },
    permits: policies.permits,
    takePermits: policies.takePermits,
    addPermits: (counted) => {
      for (const [id, { lastAtMs, count }] of counted) {
        if (policies.get(id)) policies.notePermit(id, lastAtMs, count)
      }
    },
  }
}

/** For a change that makes its subject too: throws what `create` throws, and writes nothing. */
export function newPolicy(state: IamState, draft: PolicyDraft, by: string): Policy {
  const checked = checkDraft(state, draft)
  refuseTwin(state, checked)
  const now = state.clock.now()
  const made = { createdAtMs: now, createdBy: by, modifiedAtMs: now, modifiedBy: by }
  return { ...checked, id: newUuid(), state: 'active', revision: 1, ...made }
}

/** What was deleted too long ago to be restored. */
const forgotten = ({ policies, clock }: IamState, accountId: string): readonly Change[] =>
  Array.from(policies.ofAccount(accountId))
    .filter(({ state, modifiedAtMs }) => state === 'deleted' && modifiedAtMs + RESTORABLE_MS <= clock.now())
    .map(({ id }) => policies.remove(id))

/** Who is given rights is there: rights for somebody who comes later would be ones that nobody looked at then. */
function requireSubject({ users }: Pick<IamState, 'users'>, { type, accountId, subject }: PolicyDraft): void {
  if (type !== 'access') return
  const iamId = exactValue(subject, 'iam_id') ?? ''
  if (!users.get(userKey({ accountId, iamId })))
    throw failure('PolicyInvalid', `subject: the account has neither a user nor a service ID ${iamId}`)
}

function refuseTwin({ policies }: Pick<IamState, 'policies'>, draft: PolicyDraft, except?: string): void {
  const twin = policies.twin(draft)
  if (twin !== undefined && twin !== except)
    throw failure('PolicyConflict', `policy ${twin} grants the same`, { policy: twin })
}

function draftOf({ type, accountId, subject, resource, roles, description, pattern, rule }: Policy): PolicyDraft {
  return { type, accountId, subject, resource, roles, description, pattern, rule }
}

const failure = (
  code: IamErrorCode,
  message: string,
  details: Readonly<Record<string, string>> = {},
): CodedError<IamErrorCode> => new CodedError(code, message, { details })
