import { randomBytes } from 'node:crypto'
import type { z } from 'zod'
import { CodedError } from '../base/errors.ts'
import { actionsNamed } from './action-catalog.ts'
import { type CustomRole, type CustomRoleDraft, crnOfRole, customRoleDraft, newCustomRole } from './custom-role.ts'
import type { IamErrorCode } from './errors.ts'
import type { ServiceName } from './principal.ts'
import type { IamState } from './state.ts'

export interface CustomRoles {
  /** Throws RoleInvalid, RoleConflict, UnknownAccount. */
  readonly create: (
    role: CustomRoleDraft & Pick<CustomRole, 'accountId' | 'serviceName' | 'name'>,
    by: string,
  ) => Promise<CustomRole>
  /** By name. */
  readonly list: (accountId: string) => readonly CustomRole[]
  readonly get: (id: string) => CustomRole | undefined
  /** What policies grant by it changes with it, at once. Throws RoleNotFound, RoleInvalid, RoleChanged. */
  readonly replace: (id: string, draft: CustomRoleDraft, by: string, revision?: number) => Promise<CustomRole>
  /** Throws RoleNotFound, and RoleConflict while an active policy grants it. */
  readonly delete: (id: string) => Promise<void>
}

const failure = (
  code: IamErrorCode,
  message: string,
  details: Readonly<Record<string, string>> = {},
): CodedError<IamErrorCode> => new CodedError(code, message, { details })

export function createCustomRoles(state: IamState): CustomRoles {
  const { accounts, customRoles, policies, change, clock } = state

  const existing = (id: string, revision?: number): CustomRole => {
    const known = customRoles.get(id)
    if (!known) throw failure('RoleNotFound', 'there is no role with this id')
    if (revision !== undefined && revision !== known.revision)
      throw failure('RoleChanged', 'the role has changed: If-Match is not its ETag', { role: id })
    return known
  }

  const refuseTwin = (
    { accountId, displayName, name }: Pick<CustomRole, 'accountId' | 'displayName' | 'name'>,
    id?: string,
  ) => {
    const twin = customRoles
      .ofAccount(accountId)
      .find((other) => other.id !== id && (other.name === name || other.displayName === displayName))
    if (twin) throw failure('RoleConflict', 'the account has a role of this name', { role: twin.id })
  }

  return {
    create: (draft, by) =>
      change(() => {
        const checked = parse(newCustomRole, draft)
        if (!accounts.get(checked.accountId))
          throw failure('UnknownAccount', `there is no account ${checked.accountId}`)
        checkActions(checked.serviceName, checked.actions)
        refuseTwin(checked)
        const now = clock.now()
        const made = { createdAtMs: now, createdBy: by, modifiedAtMs: now, modifiedBy: by }
        const role = { ...checked, id: randomBytes(16).toString('hex'), revision: 1, ...made }
        return { changes: [customRoles.put(role.id, role)], result: role }
      }),
    list: customRoles.ofAccount,
    get: customRoles.get,
    replace: (id, draft, by, revision) =>
      change(() => {
        const { description: _, ...known } = existing(id, revision)
        const checked = parse(customRoleDraft, draft)
        checkActions(known.serviceName, checked.actions)
        refuseTwin({ ...known, ...checked }, id)
        const role = {
          ...known,
          ...checked,
          revision: known.revision + 1,
          modifiedAtMs: clock.now(),
          modifiedBy: by,
        }
        return { changes: [customRoles.put(id, role)], result: role }
      }),
    delete: (id) =>
      change(() => {
        const crn = crnOfRole(existing(id))
        for (const policy of policies.values()) {
          if (policy.state === 'active' && policy.roles.includes(crn))
            throw failure('RoleConflict', `policy ${policy.id} grants the role`, { policy: policy.id })
        }
        return { changes: [customRoles.remove(id)], result: undefined }
      }),
  }
}

function parse<Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  throw failure('RoleInvalid', `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'not valid'}`)
}

function checkActions(service: ServiceName, actions: readonly string[]): void {
  const unknown = actions.find((action) => actionsNamed(service, action) === undefined)
  if (unknown !== undefined) throw failure('RoleInvalid', `actions: ${unknown} is not an action of ${service}`)
}
