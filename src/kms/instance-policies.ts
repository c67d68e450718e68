import { z } from 'zod'
import { isNetwork } from '../base/networks.ts'
import { invalidField } from './errors.ts'
import { MAX_ROTATION_MONTHS } from './key-policies.ts'
import { recordCodec } from './record.ts'

export const INSTANCE_POLICY_TYPES = [
  'allowedNetwork',
  'dualAuthDelete',
  'allowedIP',
  'keyCreateImportAccess',
  'metrics',
  'rotation',
] as const
export type InstancePolicyType = (typeof INSTANCE_POLICY_TYPES)[number]

export const isInstancePolicyType = (text: string): text is InstancePolicyType =>
  INSTANCE_POLICY_TYPES.some((type) => type === text)

const attributesSchema = z.strictObject({
  allowedNetwork: z.enum(['public-and-private', 'private-only']).exactOptional(),
  /** Networks in CIDR notation, IPv4 and IPv6. */
  allowedIp: z.array(z.string()).exactOptional(),
  createRootKey: z.boolean().exactOptional(),
  createStandardKey: z.boolean().exactOptional(),
  importRootKey: z.boolean().exactOptional(),
  importStandardKey: z.boolean().exactOptional(),
  enforceToken: z.boolean().exactOptional(),
  intervalMonths: z.number().exactOptional(),
})

/** What a policy says when it is enabled; which members it has follows from its type. */
export type PolicyAttributes = Readonly<z.infer<typeof attributesSchema>>

const policySchema = z.strictObject({
  enabled: z.boolean(),
  attributes: attributesSchema.exactOptional(),
  createdAt: z.number(),
  createdBy: z.string(),
  updatedAt: z.number(),
  updatedBy: z.string(),
})

export type InstancePolicyRecord = Readonly<z.infer<typeof policySchema>>

export const instancePolicyRecords = recordCodec<InstancePolicyRecord>('instance policy record', policySchema)

export interface NewInstancePolicy {
  readonly type: InstancePolicyType
  readonly enabled: boolean
  readonly attributes?: PolicyAttributes
}

const MEMBERS: Readonly<Record<InstancePolicyType, readonly (keyof PolicyAttributes)[]>> = {
  allowedNetwork: ['allowedNetwork'],
  dualAuthDelete: [],
  allowedIP: ['allowedIp'],
  keyCreateImportAccess: ['createRootKey', 'createStandardKey', 'importRootKey', 'importStandardKey', 'enforceToken'],
  metrics: [],
  rotation: ['intervalMonths'],
}

const ACCESS_DEFAULTS: PolicyAttributes = {
  createRootKey: true,
  createStandardKey: true,
  importRootKey: true,
  importStandardKey: true,
  enforceToken: false,
}

const MAX_NETWORKS = 1000

/** The attributes to keep, with their defaults. Throws InvalidField. */
export function checkedAttributes({ type, enabled, attributes }: NewInstancePolicy): PolicyAttributes | undefined {
  if (!enabled) {
    if (attributes) throw invalidField('attributes', 'a policy that is not enabled takes no attributes')
    return undefined
  }
  assertMembers(type, attributes ?? {})
  if (type === 'keyCreateImportAccess') return { ...ACCESS_DEFAULTS, ...attributes }
  if (MEMBERS[type].length === 0) return undefined
  if (!attributes || Object.keys(attributes).length === 0) {
    throw invalidField('attributes', `a policy of type ${type} that is enabled needs its attributes`)
  }
  assertValues(attributes)
  return attributes
}

function assertMembers(type: InstancePolicyType, attributes: PolicyAttributes): void {
  const names: readonly string[] = MEMBERS[type]
  if (Object.keys(attributes).some((name) => !names.includes(name))) {
    throw invalidField('attributes', `an attribute does not belong to a policy of type ${type}`)
  }
}

function assertValues({ allowedIp, intervalMonths }: PolicyAttributes): void {
  if (allowedIp && (allowedIp.length < 1 || allowedIp.length > MAX_NETWORKS || !allowedIp.every(isNetwork))) {
    throw invalidField('allowed_ip', `1 to ${MAX_NETWORKS} networks in CIDR notation are expected`)
  }
  if (intervalMonths !== undefined) assertMonths(intervalMonths)
}

/** Throws InvalidField. */
export function assertMonths(months: number): void {
  if (!Number.isInteger(months) || months < 1 || months > MAX_ROTATION_MONTHS) {
    throw invalidField('interval_month', `1 to ${MAX_ROTATION_MONTHS} months`)
  }
}
