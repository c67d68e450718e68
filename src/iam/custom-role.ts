import { z } from 'zod'
import { SERVICE_NAMES, type ServiceName } from './principal.ts'
import { customRoleId } from './role-id.ts'
import type { RowCodec } from './table.ts'

export interface CustomRoleDraft {
  readonly displayName: string
  readonly description?: string | undefined
  /** As the services name them: `kms.secrets.wrap`, `cloud-object-storage.object.get`. */
  readonly actions: readonly string[]
}

/** A set of actions of one service that an account has made a role of. */
export interface CustomRole extends CustomRoleDraft {
  /** 32 hex digits. */
  readonly id: string
  readonly accountId: string
  readonly serviceName: ServiceName
  /** Unique in its account: the role's CRN is made of it. */
  readonly name: string
  /** Grows by one with each change. */
  readonly revision: number
  readonly createdAtMs: number
  readonly createdBy: string
  readonly modifiedAtMs: number
  readonly modifiedBy: string
}

export const customRoleDraft = z.strictObject({
  displayName: z.string().min(1).max(50),
  description: z.string().max(250).optional(),
  actions: z.array(z.string().min(1).max(128)).min(1).max(256),
})
export const newCustomRole = z.strictObject({
  ...customRoleDraft.shape,
  accountId: z.string(),
  serviceName: z.enum(SERVICE_NAMES),
  name: z.string().regex(/^[A-Z][A-Za-z0-9]{0,29}$/, 'must be alphanumeric, capitalized and of at most 30 characters'),
})
const row = z.strictObject({
  ...newCustomRole.shape,
  id: z.hex(),
  revision: z.number(),
  createdAtMs: z.number(),
  createdBy: z.string(),
  modifiedAtMs: z.number(),
  modifiedBy: z.string(),
})

export const customRoleCodec: RowCodec<CustomRole> = { encode: (role) => role, decode: (stored) => row.parse(stored) }

export const crnOfRole = ({ accountId, name }: Pick<CustomRole, 'accountId' | 'name'>): string =>
  customRoleId(accountId, name)
