import { z } from 'zod'
import { CodedError } from '../base/errors.ts'
import { isUuid } from '../base/ids.ts'
import type { IamErrorCode } from './errors.ts'
import { type Role, SERVICE_NAMES, type ServiceName } from './principal.ts'
import type { Roles } from './records.ts'
import { ROLES_OF_SERVICE } from './users.ts'

const uuid = z.string().refine(isUuid, 'must be a UUID')
const name = z.string().min(1).max(256)

/** `null`: none, whatever the user may do is up to access policies. */
const roleOf = (service: ServiceName, fallback: Role) =>
  z
    .enum(ROLES_OF_SERVICE[service], `must be one of ${ROLES_OF_SERVICE[service].join(', ')}, or null`)
    .nullable()
    .default(fallback)

const roles = z
  .strictObject({
    'cloud-object-storage': roleOf('cloud-object-storage', 'Manager'),
    kms: roleOf('kms', 'Manager'),
    iam: roleOf('iam', 'Administrator'),
  })
  .transform((given): Roles => {
    const held: Partial<Record<ServiceName, Role>> = {}
    for (const service of SERVICE_NAMES) {
      const role = given[service]
      if (role !== null) held[service] = role
    }
    return held
  })

/** Of two that say different things about the same one, none would be the one that counts. */
const distinct = (ids: readonly string[]): boolean => new Set(ids).size === ids.length

const user = z.strictObject({
  iamId: z.string().min(1).max(256),
  name,
  email: z.string().max(256).default(''),
  hmac: z
    .array(z.strictObject({ accessKeyId: z.string().min(1), secretAccessKey: z.string().min(1) }))
    .refine((pairs) => distinct(pairs.map(({ accessKeyId }) => accessKeyId)), 'names an access key twice')
    .default([]),
  apiKeys: z.array(z.string().min(1)).default([]),
  roles: roles.prefault({}),
})

const instance = z.discriminatedUnion('service', [
  z.strictObject({
    service: z.literal('cloud-object-storage'),
    id: uuid,
    name,
    region: z.literal('global').default('global'),
  }),
  z.strictObject({ service: z.literal('kms'), id: uuid, name, region: z.string().min(1).default('us-south') }),
])

const account = z.strictObject({
  id: z.string().regex(/^[0-9a-f]{32}$/, 'must be 32 lower-case hex digits'),
  name,
  canonicalId: z.string().min(1).optional(),
  instances: z
    .array(instance)
    .refine((instances) => distinct(instances.map(({ id }) => id.toLowerCase())), 'names an instance twice')
    .default([]),
  users: z
    .array(user)
    .refine((users) => distinct(users.map(({ iamId }) => iamId)), 'names a user twice')
    .default([]),
})

const authorization = z.strictObject({
  source: z.strictObject({ service: z.literal('cloud-object-storage'), instance: uuid }),
  target: z.strictObject({ service: z.literal('kms'), instance: uuid }),
  roles: z.array(z.enum(['Reader', 'ReaderPlus', 'Writer', 'Manager'])).min(1),
})

const document = z.strictObject({
  accounts: z
    .array(account)
    .refine((accounts) => distinct(accounts.map(({ id }) => id)), 'names an account twice')
    .default([]),
  authorizations: z.array(authorization).default([]),
})

/** Identities that an operator declares; the format is described in the README. */
export type BootstrapDocument = z.output<typeof document>
export type BootstrapAccount = z.output<typeof account>
export type BootstrapAuthorization = z.output<typeof authorization>

/** Throws BootstrapInvalid naming every mistake by its path; values are not repeated, as they may be secrets. */
export function parseBootstrap(json: unknown): BootstrapDocument {
  const result = document.safeParse(json)
  if (result.success) return result.data
  const mistakes = result.error.issues.map((issue) =>
    issue.code === 'unrecognized_keys'
      ? `${pathText([...issue.path, issue.keys[0] ?? ''])}: is not a known member`
      : `${pathText(issue.path) || 'the document'}: ${issue.message}`,
  )
  throw new CodedError<IamErrorCode>('BootstrapInvalid', `the bootstrap document is not valid: ${mistakes.join('; ')}`)
}

const pathText = (path: readonly PropertyKey[]): string =>
  path
    .map((step) => (typeof step === 'number' ? `[${step}]` : `.${String(step)}`))
    .join('')
    .replace(/^\./, '')
