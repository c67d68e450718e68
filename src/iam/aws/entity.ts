import { z } from 'zod'
import type { RowCodec } from '../table.ts'
import { type Tagged, tagsSchema } from './tags.ts'

/** What can have policies. `id` is new for each creation: rights of a deleted one are not those of a later one of its name. */
export interface AwsEntity {
  readonly accountId: string
  /** `AIDA…`, `AGPA…` or `AROA…` */
  readonly id: string
  /** Unique in its account without regard to case. */
  readonly name: string
  /** Begins and ends with `/`. */
  readonly path: string
  readonly createdAtMs: number
  readonly policies: readonly InlinePolicy[]
  /** ARNs of managed policies. */
  readonly attached: readonly string[]
}

export interface InlinePolicy {
  readonly name: string
  /** As it was given; whoever decides reads it. */
  readonly document: string
}

/** What can be limited by a managed policy. */
export interface Bounded {
  /** ARN: nothing is allowed that this policy does not allow as well. */
  readonly boundary?: string | undefined
}

export interface AwsUser extends AwsEntity, Bounded, Tagged {
  /** Ids. */
  readonly groups: readonly string[]
}

export type AwsGroup = AwsEntity

export interface AwsRole extends AwsEntity, Bounded, Tagged {
  /** The policy that says who may take it on. */
  readonly trust: string
  /** Whom the ARNs in it mean, by ARN. Absent: of an earlier release. */
  readonly trustIds?: Readonly<Record<string, string>> | undefined
  readonly description?: string | undefined
  readonly maxSessionSeconds: number
}

export type AwsKind = 'user' | 'group' | 'role'

export const arnOf = (kind: AwsKind, { accountId, path, name }: Pick<AwsEntity, 'accountId' | 'path' | 'name'>) =>
  `arn:aws:iam::${accountId}:${kind}${path}${name}`

export const entityKey = ({ accountId, id }: Pick<AwsEntity, 'accountId' | 'id'>): string => `${accountId}/${id}`

const entity = {
  accountId: z.string(),
  id: z.string(),
  name: z.string(),
  path: z.string(),
  createdAtMs: z.number(),
  policies: z.array(z.strictObject({ name: z.string(), document: z.string() })),
  attached: z.array(z.string()),
}
const boundary = z.string().optional()
const userSchema = z.strictObject({ ...entity, groups: z.array(z.string()), boundary, tags: tagsSchema })
const groupSchema = z.strictObject(entity)
const roleSchema = z.strictObject({
  ...{ ...entity, boundary, tags: tagsSchema },
  trust: z.string(),
  trustIds: z.record(z.string(), z.string()).optional(),
  description: z.string().optional(),
  maxSessionSeconds: z.number(),
})

const same = <Row>(row: Row): unknown => row
export const awsUserCodec: RowCodec<AwsUser> = { encode: same, decode: (stored) => userSchema.parse(stored) }
export const awsGroupCodec: RowCodec<AwsGroup> = { encode: same, decode: (stored) => groupSchema.parse(stored) }
export const awsRoleCodec: RowCodec<AwsRole> = { encode: same, decode: (stored) => roleSchema.parse(stored) }
