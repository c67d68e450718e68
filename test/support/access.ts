import type { Facts } from '../../src/access/conditions.ts'
import type { AccessRequest } from '../../src/access/evaluate.ts'
import { type Policy, type PolicyKind, parsePolicy } from '../../src/access/policy.ts'
import type { Requester } from '../../src/access/requester.ts'

export const ACCOUNT = '11111111111111111111111111111111'
export const OTHER_ACCOUNT = '22222222222222222222222222222222'

export const identity = (accountId = ACCOUNT, name = 'ann'): Requester => ({
  type: 'identity',
  accountId,
  canonicalId: `canonical-${accountId}`,
  arns: [`arn:aws:iam::${accountId}:user/${name}`],
})

export const factsOf = (facts: Readonly<Record<string, string | readonly string[]>> = {}): Facts => ({
  get: (key) => {
    const value = Object.hasOwn(facts, key) ? facts[key] : undefined
    return typeof value === 'string' ? [value] : value
  },
})

const BUCKET: PolicyKind = { of: 'bucket', bucket: 'photos' }

/** A policy of the bucket `photos` with one statement: everyone may get its objects, unless said otherwise. */
export const policyOf = (statement: Readonly<Record<string, unknown>> = {}, kind: PolicyKind = BUCKET): Policy =>
  parsePolicy(policyText(statement), kind)

export const policyText = (...statements: readonly Readonly<Record<string, unknown>>[]): string =>
  JSON.stringify({
    Version: '2012-10-17',
    Statement: statements.map((statement) => ({
      Effect: 'Allow',
      ...('NotPrincipal' in statement ? {} : { Principal: '*' }),
      ...('NotAction' in statement ? {} : { Action: 's3:GetObject' }),
      ...('NotResource' in statement ? {} : { Resource: 'arn:aws:s3:::photos/*' }),
      ...statement,
    })),
  })

/** Getting `photos/cat` as a user, unless said otherwise. */
export const requestOf = (request: Partial<AccessRequest> = {}): AccessRequest => ({
  requester: identity(),
  action: 's3:GetObject',
  resource: 'arn:aws:s3:::photos/cat',
  facts: factsOf(),
  ...request,
})
