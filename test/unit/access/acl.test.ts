import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type Acl,
  grantFor,
  groupOf,
  isPrivateAcl,
  isPublicAcl,
  PERMISSIONS,
  privateAcl,
  uriOf,
  withoutPublic,
} from '../../../src/access/acl.ts'
import { CANNED_ACLS, cannedAcl, isCannedAcl } from '../../../src/access/canned-acls.ts'
import { grantsOfHeaders, parseGrantHeader } from '../../../src/access/grants.ts'
import { ANONYMOUS, type Requester } from '../../../src/access/requester.ts'

const account = (canonicalId: string): Requester => ({ type: 'identity', canonicalId, arns: [] })
const [owner, other] = [account('owner'), account('other')]

const accounts = {
  hasCanonicalId: (id: string) => ['owner', 'other'].includes(id),
  canonicalIdsOfEmail: (email: string) =>
    email === 'twice@example.com' ? ['owner', 'other'] : email === 'other@example.com' ? ['other'] : [],
}

describe('an ACL', () => {
  it.each([
    ['private', [], []],
    ['public-read', ['anonymous', 'other'], []],
    ['public-read-write', ['anonymous', 'other'], ['anonymous', 'other']],
    ['authenticated-read', ['other'], []],
    ['log-delivery-write', [], []],
  ] as const)('of a bucket, %s: who lists and who writes', (name, lists, writes) => {
    const acl = cannedAcl(name, 'owner')
    const who = (action: string) =>
      Object.entries({ anonymous: ANONYMOUS, other })
        .filter(([, requester]) => grantFor(acl, 'bucket', action, requester) !== undefined)
        .map(([one]) => one)
    expect(who('s3:ListBucket')).toEqual(lists)
    expect(who('s3:PutObject')).toEqual(writes)
    expect(who('s3:GetObject')).toEqual([])
    expect(who('s3:PutBucketAcl')).toEqual([])
    expect(grantFor(acl, 'bucket', 's3:ListBucket', owner)).toMatch(/READ of|FULL_CONTROL of/)
  })

  it('of an object gives its bucket owner what the canned ACL says', () => {
    const read = cannedAcl('bucket-owner-read', 'owner', 'other')
    expect(grantFor(read, 'object', 's3:GetObject', other)).toBe('READ of the account')
    expect(grantFor(read, 'object', 's3:PutObjectAcl', other)).toBeUndefined()
    const full = cannedAcl('bucket-owner-full-control', 'owner', 'other')
    expect(grantFor(full, 'object', 's3:PutObjectAcl', other)).toBe('FULL_CONTROL of the account')
    expect(cannedAcl('bucket-owner-full-control', 'owner', 'owner')).toEqual(privateAcl('owner'))
  })

  it('leaves its owner the right to read and to change it', () => {
    const nobody: Acl = { owner: 'owner', grants: [] }
    expect(grantFor(nobody, 'object', 's3:GetObjectAcl', owner)).toBe('owner')
    expect(grantFor(nobody, 'object', 's3:PutObjectVersionAcl', owner)).toBe('owner')
    expect(grantFor(nobody, 'bucket', 's3:PutBucketAcl', owner)).toBe('owner')
    expect(grantFor(nobody, 'object', 's3:GetObject', owner)).toBeUndefined()
    expect(grantFor(nobody, 'object', 's3:GetObjectAcl', ANONYMOUS)).toBeUndefined()
  })

  it('gives nobody anything that no permission includes', () => {
    const everything: Acl = {
      owner: 'owner',
      grants: PERMISSIONS.map((permission) => ({ grantee: { group: 'AllUsers' }, permission })),
    }
    for (const action of ['s3:DeleteBucket', 's3:PutBucketPolicy', 's3:GetObjectTagging', 'iam:CreateUser', 's3:*']) {
      for (const on of ['bucket', 'object'] as const) expect(grantFor(everything, on, action, other)).toBeUndefined()
    }
  })

  it('without its public grants lets nobody in who is not named', () => {
    const grantee = fc.constantFrom(
      ...[
        { id: 'owner' },
        { id: 'other' },
        { group: 'AllUsers' },
        { group: 'AuthenticatedUsers' },
        { group: 'LogDelivery' },
      ],
    ) as fc.Arbitrary<Acl['grants'][number]['grantee']>
    const acl = fc.record({
      owner: fc.constant('owner'),
      grants: fc.array(fc.record({ grantee, permission: fc.constantFrom(...PERMISSIONS) })),
    })
    const actions = ['s3:ListBucket', 's3:PutObject', 's3:GetObject', 's3:GetObjectAcl', 's3:PutBucketAcl']
    fc.assert(
      fc.property(acl, fc.constantFrom(...actions), fc.constantFrom('bucket', 'object'), (one, action, on) => {
        const left = withoutPublic(one)
        expect(isPublicAcl(left)).toBe(false)
        expect(grantFor(left, on, action, ANONYMOUS)).toBeUndefined()
        expect(grantFor(left, on, action, account('third'))).toBeUndefined()
        if (!isPublicAcl(one)) expect(left).toEqual(one)
      }),
    )
  })

  it('is public, or private, or neither', () => {
    expect([...CANNED_ACLS, 'Private', ''].filter(isCannedAcl)).toEqual(CANNED_ACLS)
    const tell = CANNED_ACLS.map((name) => [
      name,
      isPublicAcl(cannedAcl(name, 'o')),
      isPrivateAcl(cannedAcl(name, 'o')),
    ])
    expect(tell).toEqual([
      ['private', false, true],
      ['public-read', true, false],
      ['public-read-write', true, false],
      ['authenticated-read', true, false],
      ['aws-exec-read', false, false],
      ['bucket-owner-read', false, true],
      ['bucket-owner-full-control', false, true],
      ['log-delivery-write', false, false],
    ])
  })

  it('knows groups by their URIs', () => {
    for (const group of ['AllUsers', 'AuthenticatedUsers', 'LogDelivery'] as const) {
      expect(groupOf(uriOf(group))).toBe(group)
    }
    expect(groupOf('http://acs.amazonaws.com/groups/global/Nobody')).toBeUndefined()
  })
})

describe('a grant header', () => {
  const id = fc.string({ unit: fc.constantFrom('a', '0', '-', '@', '.', ':', '/'), minLength: 1 })
  const name = fc.record({ by: fc.constantFrom('id', 'uri', 'emailAddress'), value: id })

  it('is read as it was written', () => {
    fc.assert(
      fc.property(fc.array(name, { minLength: 1 }), fc.boolean(), (names, quoted) => {
        const text = names.map(({ by, value }) => `${by}=${quoted ? `"${value}"` : value}`).join(', ')
        expect(parseGrantHeader(text)).toEqual(names)
      }),
    )
  })

  it.each(['', 'id', 'id=', 'id=""', 'name="a"', 'id="a" uri="b"', 'id="a', '"a"'])('refuses %j', (text) => {
    expect(() => parseGrantHeader(text)).toThrow(expect.objectContaining({ code: 'InvalidGrant' }))
  })

  it('names accounts by id and by address, and groups', () => {
    const headers: Readonly<Record<string, string>> = {
      'write-acp': 'emailaddress="other@example.com"',
      read: `uri="${uriOf('AllUsers')}", id="other"`,
    }
    expect(grantsOfHeaders((suffix) => headers[suffix], accounts)).toEqual([
      { grantee: { group: 'AllUsers' }, permission: 'READ' },
      { grantee: { id: 'other' }, permission: 'READ' },
      { grantee: { id: 'other' }, permission: 'WRITE_ACP' },
    ])
  })

  it.each([
    ['id="nobody"', 'InvalidGrant'],
    ['uri="http://example.com"', 'InvalidGrant'],
    ['emailAddress="nobody@example.com"', 'UnresolvableGrantByEmailAddress'],
    ['emailAddress="twice@example.com"', 'UnresolvableGrantByEmailAddress'],
    [Array.from({ length: 101 }, () => 'id="other"').join(), 'InvalidGrant'],
  ])('with %s is refused: %s', (text, code) => {
    const read = (suffix: string) => (suffix === 'read' ? text : undefined)
    expect(() => grantsOfHeaders(read, accounts)).toThrow(expect.objectContaining({ code }))
  })
})
