import { z } from 'zod'
import type { Clock } from '../base/clock.ts'
import { CodedError } from '../base/errors.ts'
import { newUuid } from '../base/ids.ts'
import type { IamErrorCode } from './errors.ts'
import { ROLES, type Role, SERVICE_NAMES, type ServiceName } from './principal.ts'
import type { Authorization, Constraint } from './records.ts'
import type { IamState } from './state.ts'
import type { RowCodec } from './table.ts'

export type { Authorization, Constraint } from './records.ts'

export type AuthorizationDraft = Pick<Authorization, 'accountId' | 'source' | 'target' | 'roles' | 'description'>

export interface Authorizations {
  /** Throws AuthorizationConflict when an active one says the same, AuthorizationInvalid, UnknownAccount. */
  readonly create: (draft: AuthorizationDraft, by: string) => Promise<Authorization>
  /** Oldest first. Deleted ones only when asked for. */
  readonly list: (filter: {
    readonly accountId: string
    readonly state?: Authorization['state']
  }) => readonly Authorization[]
  readonly get: (id: string) => Authorization | undefined
  /** Throws AuthorizationNotFound, AuthorizationConflict when `revision` is given and stale. The account stays. */
  readonly replace: (id: string, draft: AuthorizationDraft, by: string, revision?: number) => Promise<Authorization>
  readonly setState: (
    id: string,
    state: Authorization['state'],
    by: string,
    revision?: number,
  ) => Promise<Authorization>
  /** Gives no rights from that moment; `setState` brings it back. Throws AuthorizationNotFound, also for a deleted one. */
  readonly delete: (id: string, by: string) => Promise<void>
}

const text = z.string().min(1).max(512)
const constraint = z.strictObject({ value: text, operator: z.enum(['stringEquals', 'stringMatch']) })
const draftShape = {
  accountId: z.string().regex(/^[0-9a-f]{32}$/),
  source: z.strictObject({
    serviceName: z.enum(SERVICE_NAMES),
    accountId: z.string().regex(/^[0-9a-f]{32}$/),
    serviceInstance: text.optional(),
    region: text.optional(),
  }),
  target: z.strictObject({
    serviceName: z.enum(SERVICE_NAMES),
    serviceInstance: constraint.optional(),
    resourceType: constraint.optional(),
    resource: constraint.optional(),
    keyRing: constraint.optional(),
  }),
  roles: z.array(z.enum(ROLES)).min(1).max(8),
  description: z.string().max(1024).optional(),
}
const draftSchema = z.strictObject(draftShape)
const schema = z.strictObject({
  ...draftShape,
  id: z.uuid(),
  state: z.enum(['active', 'deleted']),
  revision: z.number(),
  createdAtMs: z.number(),
  createdBy: z.string(),
  modifiedAtMs: z.number(),
  modifiedBy: z.string(),
})

export const authorizationCodec: RowCodec<Authorization> = {
  encode: (authorization) => authorization,
  decode: (stored) => schema.parse(stored),
}

/** Roles that a service may be given at a target. */
const GRANTABLE: Readonly<Record<ServiceName, readonly Role[]>> = {
  kms: ['Reader', 'ReaderPlus', 'Writer', 'Manager'],
  'cloud-object-storage': ['Reader', 'Writer', 'Manager'],
  iam: [],
}

export function createAuthorizations(state: IamState, clock: Clock): Authorizations {
  const { accounts, authorizations, change } = state
  const live = (accountId: string, wanted: Authorization['state'] = 'active') =>
    [...authorizations.values()].filter((one) => one.accountId === accountId && one.state === wanted)

  const existing = (id: string, revision: number | undefined): Authorization => {
    const known = authorizations.get(id)
    if (!known) throw failure('AuthorizationNotFound', `there is no authorization ${id}`)
    if (revision !== undefined && revision !== known.revision) {
      throw failure('AuthorizationConflict', `authorization ${id} has changed: its revision is ${known.revision}`)
    }
    return known
  }

  const refuseDuplicate = (draft: AuthorizationDraft, except?: string): void => {
    const twin = live(draft.accountId).find((one) => one.id !== except && meaning(one) === meaning(draft))
    if (twin) throw failure('AuthorizationConflict', `authorization ${twin.id} says the same`)
  }

  const store = (next: Authorization) => ({ changes: [authorizations.put(next.id, next)], result: next })

  const revised = (known: Authorization, by: string): Authorization => ({
    ...known,
    revision: known.revision + 1,
    modifiedAtMs: clock.now(),
    modifiedBy: by,
  })

  const setState: Authorizations['setState'] = (id, wanted, by, revision) =>
    change(() => {
      const known = existing(id, revision)
      if (wanted === known.state) return { changes: [], result: known }
      if (wanted === 'active') refuseDuplicate(known)
      return store({ ...revised(known, by), state: wanted })
    })

  return {
    create: (draft, by) =>
      change(() => {
        const checked = checkDraft(draft)
        if (!accounts.get(checked.accountId))
          throw failure('UnknownAccount', `there is no account ${checked.accountId}`)
        refuseDuplicate(checked)
        const now = clock.now()
        const made = { createdAtMs: now, createdBy: by, modifiedAtMs: now, modifiedBy: by }
        return store({ ...checked, id: newUuid(), state: 'active', revision: 1, ...made })
      }),
    list: ({ accountId, state: wanted }) =>
      live(accountId, wanted).sort((a, b) => a.createdAtMs - b.createdAtMs || (a.id < b.id ? -1 : 1)),
    get: (id) => authorizations.get(id),
    replace: (id, draft, by, revision) =>
      change(() => {
        const known = existing(id, revision)
        const checked = checkDraft(draft)
        if (checked.accountId !== known.accountId)
          throw failure('AuthorizationInvalid', 'an authorization cannot move to another account')
        if (known.state === 'deleted') throw failure('AuthorizationNotFound', `authorization ${id} is deleted`)
        refuseDuplicate(checked, id)
        const { description: _, ...kept } = revised(known, by)
        return store({ ...kept, ...checked })
      }),
    setState,
    delete: async (id, by) => {
      await change(() => {
        const known = existing(id, undefined)
        if (known.state === 'deleted') throw failure('AuthorizationNotFound', `authorization ${id} is deleted`)
        return store({ ...revised(known, by), state: 'deleted' })
      })
    },
  }
}

/** Throws AuthorizationInvalid. */
function checkDraft(draft: AuthorizationDraft): AuthorizationDraft {
  const parsed = draftSchema.safeParse(draft)
  if (!parsed.success) {
    const issue = parsed.error.issues[0]
    throw failure('AuthorizationInvalid', `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'not valid'}`)
  }
  const { source, target, roles } = parsed.data
  if (source.serviceName === 'iam') throw failure('AuthorizationInvalid', 'iam is not a source of requests')
  const wrong = roles.find((role) => !GRANTABLE[target.serviceName].includes(role))
  if (wrong)
    throw failure('AuthorizationInvalid', `${wrong} is not a role that a service may be given at ${target.serviceName}`)
  return parsed.data
}

const failure = (code: IamErrorCode, message: string): CodedError<IamErrorCode> => new CodedError(code, message)

/** The same text for two authorizations that grant the same. */
function meaning({ source, target, roles }: AuthorizationDraft): string {
  const part = (constraint: Constraint | undefined) => (constraint ? [constraint.operator, constraint.value] : null)
  return JSON.stringify([
    source.serviceName,
    source.accountId,
    source.serviceInstance ?? null,
    source.region ?? null,
    target.serviceName,
    part(target.serviceInstance),
    part(target.resourceType),
    part(target.resource),
    part(target.keyRing),
    [...roles].sort(),
  ])
}
