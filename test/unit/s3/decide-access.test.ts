import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Acl, PERMISSIONS } from '../../../src/access/acl.ts'
import { parsePolicy } from '../../../src/access/policy.ts'
import { isPublicPolicy } from '../../../src/access/public.ts'
import { ANONYMOUS, accountArn, type Requester } from '../../../src/access/requester.ts'
import { ACTIONS, objectRight } from '../../../src/access/s3-actions.ts'
import type { BucketAccess } from '../../../src/api/s3/access/bucket-access.ts'
import { type Answer, decideAccess, type Question } from '../../../src/api/s3/access/decide.ts'
import { OPERATIONS } from '../../../src/api/s3/operations/index.ts'
import { ACCOUNT, factsOf, identity, OTHER_ACCOUNT, policyText } from '../../support/access.ts'

const REPLICATING = ['s3:GetObjectVersionForReplication', 's3:ReplicateObject', 's3:ReplicateDelete'] as const
const OWNER = `canonical-${ACCOUNT}`
const STRANGER = `canonical-${OTHER_ACCOUNT}`
const grant = (id: string, permission: (typeof PERMISSIONS)[number]): Acl['grants'][number] => ({
  grantee: { id },
  permission,
})
const toAll = { grantee: { group: 'AllUsers' }, permission: 'READ' } as const
const aclOf = (owner: string, ...more: Acl['grants']): Acl => ({
  owner,
  grants: [grant(owner, 'FULL_CONTROL'), ...more],
})
const policyOf = (...statements: readonly Readonly<Record<string, unknown>>[]): BucketAccess['policy'] => {
  const policy = parsePolicy(policyText(...statements), { of: 'bucket', bucket: 'photos' })
  return { ...policy, isPublic: isPublicPolicy(policy) }
}
const CLASSIC: BucketAccess = {
  ...{ policy: undefined, ownership: 'ObjectWriter', acl: aclOf(OWNER) },
  ...{ ignorePublicAcls: false, restrictPublicBuckets: false },
}
const ENFORCED: BucketAccess = { ...CLASSIC, ownership: 'BucketOwnerEnforced', acl: undefined }
const YES = { allowed: true, reason: 'role Manager' }
const NO = { allowed: false, reason: 'no role' }

const ask = (access: BucketAccess, question: Partial<Question> = {}): Answer =>
  decideAccess({
    ...{ requester: identity(), action: 's3:GetObject', resource: 'arn:aws:s3:::photos/cat', facts: factsOf() },
    ...{ bucket: { access, accountId: ACCOUNT, ownerId: OWNER }, object: aclOf(OWNER), own: NO },
    ...question,
  })
const is = (access: BucketAccess, question: Partial<Question> = {}) => ask(access, question).is

/** All that operations ask for by themselves. */
const asked = [
  ...OPERATIONS.flatMap(({ on, action, versionAction }) =>
    [action, ...(versionAction ? [versionAction] : [])].map((one) => ({ on, action: one })),
  ),
  ...REPLICATING.map((action) => ({ on: 'object', action })),
]

const stranger = { requester: identity(OTHER_ACCOUNT), own: YES }

describe('a decision about access', () => {
  it('names what decided', () => {
    const reason = (access: BucketAccess, question: Partial<Question>) => {
      const answer = ask(access, question)
      return 'reason' in answer ? answer.reason : answer.is
    }
    expect(reason(ENFORCED, { own: YES })).toBe('role Manager')
    expect(reason({ ...ENFORCED, policy: policyOf({ Sid: 'Open' }) }, stranger)).toBe('bucket policy Open')
    expect(reason({ ...ENFORCED, policy: policyOf({ Effect: 'Deny' }) }, { own: YES })).toBe('bucket policy #0')
    expect(reason(CLASSIC, { ...stranger, object: aclOf(OWNER, toAll) })).toBe('object ACL READ of AllUsers')
    const list = { ...stranger, action: 's3:ListBucket', resource: 'arn:aws:s3:::photos' } as const
    expect(reason({ ...CLASSIC, acl: aclOf(OWNER, grant(STRANGER, 'READ')) }, list)).toBe(
      'bucket ACL READ of the account',
    )
    expect(reason(ENFORCED, { own: NO })).toBe('no role')
  })

  it('in the bucket’s account is by identity, or by the policy that names it', () => {
    expect([is(ENFORCED, { own: YES }), is(ENFORCED, { own: NO })]).toEqual(['allowed', 'denied'])
    expect(is({ ...ENFORCED, policy: policyOf({ Principal: { AWS: ACCOUNT } }) })).toBe('denied')
    const ann = { AWS: `arn:aws:iam::${ACCOUNT}:user/ann` }
    expect(is({ ...ENFORCED, policy: policyOf({ Principal: ann }) })).toBe('allowed')
    expect(is(CLASSIC)).toBe('denied')
    expect(is(CLASSIC, { object: aclOf(OWNER, toAll) })).toBe('allowed')
  })

  it('for another account takes a right on both sides', () => {
    const open = { ...ENFORCED, policy: policyOf({ Principal: { AWS: OTHER_ACCOUNT } }) }
    expect(is(open, stranger)).toBe('allowed')
    expect(is(open, { ...stranger, own: NO })).toBe('denied')
    expect(is(ENFORCED, { ...stranger, object: null })).toBe('up to its absence')
    expect(is(ENFORCED, stranger)).toBe('denied')
    expect(is(CLASSIC, { ...stranger, own: NO, object: aclOf(OWNER, toAll) })).toBe('denied')
  })

  it('leaves an object of another account to its ACL, but for an explicit Deny', () => {
    const theirs = aclOf(STRANGER)
    expect(is(CLASSIC, { own: YES, object: theirs })).toBe('denied')
    expect(is(CLASSIC, { own: YES, object: aclOf(STRANGER, grant(OWNER, 'READ')) })).toBe('allowed')
    expect(is({ ...CLASSIC, policy: policyOf({}) }, { requester: ANONYMOUS, object: theirs })).toBe('denied')
    expect(is(CLASSIC, { ...stranger, object: theirs })).toBe('allowed')
    expect(is({ ...CLASSIC, policy: policyOf({ Effect: 'Deny' }) }, { ...stranger, object: theirs })).toBe('denied')
    expect(is(CLASSIC, { own: YES, action: 's3:DeleteObject', object: theirs })).toBe('allowed')
    expect(is(ENFORCED, { own: YES, object: theirs })).toBe('allowed')
  })

  it('leaves reading an object of another account to its ACL, whatever the action is called', () => {
    const theirs = aclOf(STRANGER)
    const readable = aclOf(STRANGER, grant(OWNER, 'READ'))
    for (const action of asked.filter(({ on }) => on === 'object').map(({ action }) => action)) {
      const right = objectRight(action)
      expect([action, right]).not.toEqual([action, undefined])
      const mayBe = (object: Acl) => is(CLASSIC, { own: YES, action, object })
      expect([action, mayBe(theirs)]).toEqual([action, right === 'bucketOwner' ? 'allowed' : 'denied'])
      expect([action, mayBe(readable)]).toEqual([action, right === 'acl' ? 'denied' : 'allowed'])
      expect([action, is(CLASSIC, { own: YES, action, object: undefined })]).toEqual([
        action,
        right === 'bucketOwner' ? 'allowed' : 'up to the object',
      ])
    }
    for (const action of ['s3:GetObjectSomeNewWay', 's3:ReadObject'] as const) {
      expect(is(CLASSIC, { own: YES, action, object: theirs })).toBe('denied')
    }
  })

  it('knows of every action that reads an object that it does', () => {
    const reads = /^s3:(?:Get|Select)Object(?!.*(?:Acl|Tagging|Retention|LegalHold)$)|ForReplication$|^s3:InitiateRepl/
    const reading = ACTIONS.filter((action) => reads.test(action))
    expect(reading).toHaveLength(8)
    for (const action of reading) expect(['reading', 'replicating']).toContain(objectRight(action))
  })

  it('gives nobody a right to replicate by an ACL alone', () => {
    const action = 's3:GetObjectVersionForReplication'
    expect(is(CLASSIC, { requester: ANONYMOUS, action, object: aclOf(OWNER, toAll) })).toBe('denied')
    expect(is(CLASSIC, { ...stranger, action, object: aclOf(OWNER, grant(STRANGER, 'READ')) })).toBe('denied')
  })

  it('waits for the object only where it matters', () => {
    expect(is(CLASSIC, { own: YES, object: undefined })).toBe('up to the object')
    expect(is(ENFORCED, { own: YES, object: undefined })).toBe('allowed')
    expect(is(CLASSIC, { own: YES, action: 's3:PutObject', object: undefined })).toBe('allowed')
    expect(is(CLASSIC, { requester: ANONYMOUS, action: 's3:PutObject', object: undefined })).toBe('denied')
  })

  it('restricts a public policy to the account, and no other one', () => {
    const restricted = (...statements: readonly Readonly<Record<string, unknown>>[]) => ({
      ...{ ...ENFORCED, restrictPublicBuckets: true, policy: policyOf(...statements) },
    })
    expect(is(restricted({}), stranger)).toBe('denied')
    expect(is(restricted({}), { requester: ANONYMOUS })).toBe('denied')
    expect(is(restricted({}), { own: NO })).toBe('allowed')
    expect(is(restricted({ Principal: { AWS: OTHER_ACCOUNT } }), stranger)).toBe('allowed')
  })

  it('by a policy that cannot be read lets nobody in but to mend it', () => {
    const access: BucketAccess = { ...CLASSIC, policy: 'unreadable' }
    const root: Requester = { ...identity(), arns: [accountArn(ACCOUNT)] }
    expect(is(access, { own: YES })).toBe('denied')
    expect(is(access, { requester: root, own: YES, action: 's3:DeleteBucketPolicy' })).toBe('allowed')
    expect(is(access, { requester: root, own: YES, action: 's3:GetObject' })).toBe('denied')
    const denied: BucketAccess = {
      ...CLASSIC,
      policy: policyOf({ Effect: 'Deny', Action: '*', Resource: 'arn:aws:s3:::*' }),
    }
    const mend = { action: 's3:DeleteBucketPolicy', resource: 'arn:aws:s3:::photos', own: YES } as const
    expect(is(denied, { ...mend, requester: root })).toBe('allowed')
    expect(is(denied, mend)).toBe('denied')
  })

  const permission = fc.constantFrom(...PERMISSIONS)
  const grantee = fc.constantFrom({ id: OWNER }, { id: STRANGER }, { group: 'AllUsers' as const })
  const acl = fc.record({
    owner: fc.constantFrom(OWNER, STRANGER),
    grants: fc.array(fc.record({ grantee, permission }), { maxLength: 3 }),
  })
  const statement = fc.record({
    Effect: fc.constantFrom('Allow', 'Deny'),
    Principal: fc.constantFrom('*', { AWS: ACCOUNT }, { AWS: OTHER_ACCOUNT }),
    Action: fc.constantFrom('s3:GetObject', 's3:*', 's3:Put*', 's3:ListBucket'),
    Resource: fc.constantFrom('arn:aws:s3:::photos', 'arn:aws:s3:::photos/*'),
  })
  const question = fc.record({
    requester: fc.constantFrom<Requester>(ANONYMOUS, identity(), identity(OTHER_ACCOUNT)),
    action: fc.constantFrom('s3:GetObject', 's3:PutObject', 's3:ListBucket', 's3:PutObjectAcl', 's3:PutBucketPolicy'),
    object: acl,
    own: fc.constantFrom(YES, NO),
  })
  const access = fc.record({ statements: fc.array(statement, { maxLength: 3 }), acl, ...{ enforced: fc.boolean() } })

  it('never lets anybody in by denying more, blocking more, or giving less', () => {
    fc.assert(
      fc.property(access, statement, question, ({ statements, acl: bucketAcl, enforced }, deny, one) => {
        const resource = one.action === 's3:ListBucket' ? 'arn:aws:s3:::photos' : 'arn:aws:s3:::photos/cat'
        const made = (list: readonly object[], changes: Partial<BucketAccess> = {}): BucketAccess => ({
          ...(enforced ? ENFORCED : { ...CLASSIC, acl: { ...bucketAcl, owner: OWNER } }),
          policy: list.length > 0 ? policyOf(...list.map((each) => ({ ...each }))) : undefined,
          ...changes,
        })
        const asked: Partial<Question> = { ...one, action: one.action as Question['action'], resource }
        if (is(made(statements), asked) === 'allowed') return
        expect(is(made([...statements, { ...deny, Effect: 'Deny' }]), asked)).not.toBe('allowed')
        expect(is(made(statements, { restrictPublicBuckets: true }), asked)).not.toBe('allowed')
        expect(is(made(statements), { ...asked, own: NO })).not.toBe('allowed')
      }),
      { numRuns: 1000 },
    )
  })

  it('gives nothing to whom nothing was given', () => {
    fc.assert(
      fc.property(question, (one) => {
        const asked: Partial<Question> = { ...one, action: one.action as Question['action'], object: aclOf(OWNER) }
        if (one.own.allowed && one.requester.accountId === ACCOUNT) return
        expect(is(ENFORCED, asked)).not.toBe('allowed')
        expect(is(CLASSIC, asked)).not.toBe('allowed')
      }),
    )
  })
})
