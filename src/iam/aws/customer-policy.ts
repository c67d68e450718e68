import { z } from 'zod'
import type { RowCodec } from '../table.ts'
import { type Tagged, tagsSchema } from './tags.ts'

/** A managed policy of an account's own, which is attached to users, groups and roles by its ARN. */
export interface CustomerPolicy extends Tagged {
  readonly accountId: string
  /** `ANPA…` */
  readonly id: string
  /** Unique in its account without regard to case; neither it nor the path ever changes. */
  readonly name: string
  /** Begins and ends with `/`. */
  readonly path: string
  readonly description?: string | undefined
  readonly createdAtMs: number
  readonly updatedAtMs: number
  /** Oldest first. */
  readonly versions: readonly PolicyVersion[]
  /** Number of the one that counts. */
  readonly defaultVersion: number
  /** Of all that there ever were: none is used again. */
  readonly lastVersion: number
}

export interface PolicyVersion {
  readonly number: number
  /** As it was given; whoever decides reads it. */
  readonly document: string
  readonly createdAtMs: number
}

export const policyArn = ({ accountId, path, name }: Pick<CustomerPolicy, 'accountId' | 'path' | 'name'>): string =>
  `arn:aws:iam::${accountId}:policy${path}${name}`

/** As in the ARN, so that it is found by it. */
export const policyKey = ({ accountId, path, name }: Pick<CustomerPolicy, 'accountId' | 'path' | 'name'>): string =>
  `${accountId}${path}${name}`

/** Undefined for what is no ARN of a policy of this account. */
export function policyKeyOf(accountId: string, arn: string): string | undefined {
  const prefix = `arn:aws:iam::${accountId}:policy/`
  return arn.startsWith(prefix) ? `${accountId}/${arn.slice(prefix.length)}` : undefined
}

const schema = z.strictObject({
  accountId: z.string(),
  id: z.string(),
  name: z.string(),
  path: z.string(),
  description: z.string().optional(),
  createdAtMs: z.number(),
  updatedAtMs: z.number(),
  versions: z.array(z.strictObject({ number: z.number(), document: z.string(), createdAtMs: z.number() })),
  defaultVersion: z.number(),
  lastVersion: z.number(),
  tags: tagsSchema,
})

export const customerPolicyCodec: RowCodec<CustomerPolicy> = {
  encode: (row) => row,
  decode: (stored) => schema.parse(stored),
}
