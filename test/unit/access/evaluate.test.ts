// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of policies look like placeholders
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { evaluate } from '../../../src/access/evaluate.ts'
import { parsePolicy } from '../../../src/access/policy.ts'
import { ANONYMOUS, accountArn, type Requester } from '../../../src/access/requester.ts'
import { ACCOUNT, factsOf, identity, OTHER_ACCOUNT, policyOf, policyText, requestOf } from '../../support/access.ts'

type Statement = Readonly<Record<string, unknown>>
const ofPhotos = { of: 'bucket', bucket: 'photos' } as const
const decide = (statements: readonly Statement[], request: Parameters<typeof requestOf>[0] = {}) =>
  evaluate(parsePolicy(policyText(...statements), ofPhotos), requestOf(request))
const effect = (statement: Statement, request: Parameters<typeof requestOf>[0] = {}) =>
  evaluate(policyOf(statement), requestOf(request)).effect

describe('a decision by a policy', () => {
  it('allows whom a statement names, and tells which statement it was', () => {
    expect(decide([{ Sid: 'Open' }])).toEqual({ effect: 'allow', statement: 'Open', reach: 'named' })
    expect(decide([{ Action: 's3:PutObject' }, {}])).toEqual({ effect: 'allow', statement: '#1', reach: 'named' })
    expect(decide([{ Action: 's3:PutObject' }])).toEqual({ effect: 'none' })
  })

  it('lets any Deny outweigh every Allow, whatever their order', () => {
    const deny = { Sid: 'Stop', Effect: 'Deny', Action: 's3:*' }
    for (const statements of [
      [{}, deny],
      [deny, {}],
    ]) {
      expect(decide(statements)).toEqual({ effect: 'deny', statement: 'Stop' })
    }
  })

  it('never allows what the same policy with one more Deny allowed not', () => {
    const statement = fc.record({
      Effect: fc.constantFrom('Allow', 'Deny'),
      Principal: fc.constantFrom('*', { AWS: ACCOUNT }, { AWS: OTHER_ACCOUNT }, { CanonicalUser: 'x' }),
      Action: fc.constantFrom('s3:GetObject', 's3:*', 's3:Put*'),
      Resource: fc.constantFrom('arn:aws:s3:::photos/*', 'arn:aws:s3:::photos', 'arn:aws:s3:::photos/c?t'),
    })
    fc.assert(
      fc.property(fc.array(statement, { minLength: 1, maxLength: 5 }), statement, (some, one) => {
        const before = decide(some)
        const after = decide([...some, { ...one, Effect: 'Deny' }])
        expect(after.effect === 'allow' && before.effect !== 'allow').toBe(false)
        expect(before.effect === 'deny' && after.effect !== 'deny').toBe(false)
      }),
    )
  })

  it('knows everyone, accounts, identities and canonical ids', () => {
    const root: Requester = { ...identity(), arns: [accountArn(ACCOUNT)] }
    const ann = `arn:aws:iam::${ACCOUNT}:user/ann`
    const cases: readonly [unknown, Requester, string][] = [
      ['*', ANONYMOUS, 'named'],
      [{ AWS: '*' }, ANONYMOUS, 'named'],
      [{ AWS: ACCOUNT }, identity(), 'account'],
      [{ AWS: accountArn(ACCOUNT) }, identity(), 'account'],
      [{ AWS: accountArn(ACCOUNT) }, root, 'named'],
      [{ AWS: ann }, identity(), 'named'],
      [{ AWS: [accountArn(ACCOUNT), ann] }, identity(), 'named'],
      [{ CanonicalUser: `canonical-${ACCOUNT}` }, identity(), 'account'],
      [{ Service: 'logs' }, { type: 'service', arns: [], services: ['logs'] }, 'named'],
    ]
    for (const [principal, requester, reach] of cases) {
      expect(decide([{ Principal: principal }], { requester })).toMatchObject({ effect: 'allow', reach })
    }
    for (const principal of [{ AWS: ACCOUNT }, { AWS: ann }, { CanonicalUser: 'x' }, { Service: 'logs' }]) {
      expect(effect({ Principal: principal }, { requester: ANONYMOUS })).toBe('none')
      expect(effect({ Principal: principal }, { requester: identity(OTHER_ACCOUNT) })).toBe('none')
    }
    expect(effect({ Principal: { AWS: ann } }, { requester: identity(ACCOUNT, 'bob') })).toBe('none')
  })

  it('denies everyone but whom NotPrincipal names, with the account it is of', () => {
    const account = accountArn(ACCOUNT)
    const [ann, root] = [identity(), { ...identity(), arns: [...identity().arns, account] }]
    const [role, session] = [`arn:aws:iam::${ACCOUNT}:role/reader`, `arn:aws:sts::${ACCOUNT}:assumed-role/reader/night`]
    const night = { ...identity(), arns: [session, role] }
    const exempts = (names: readonly string[], requester: Requester) =>
      effect({ Effect: 'Deny', NotPrincipal: { AWS: names } }, { requester }) === 'none'
    for (const named of [account, ACCOUNT]) {
      expect(exempts([`arn:aws:iam::${ACCOUNT}:user/ann`, named], ann)).toBe(true)
      expect(exempts([`arn:aws:iam::${ACCOUNT}:user/ann`, named], identity(ACCOUNT, 'bob'))).toBe(false)
      expect(exempts([named], ann)).toBe(false)
      expect(exempts([named], night)).toBe(false)
      expect(exempts([named], root)).toBe(true)
      expect(exempts([named], identity(OTHER_ACCOUNT))).toBe(false)
      expect(exempts([named], ANONYMOUS)).toBe(false)
      expect(exempts([session, role, named], night)).toBe(true)
      for (const missing of [0, 1, 2]) {
        expect(exempts([session, role, named].toSpliced(missing, 1), night)).toBe(false)
      }
    }
    expect(exempts([`arn:aws:iam::${ACCOUNT}:user/ann`], ann)).toBe(false)
    const services = { type: 'service', arns: [], services: ['logs'] } as const
    const others = { Effect: 'Deny', NotPrincipal: { Service: 'logs' } }
    expect(effect(others, { requester: services })).toBe('none')
    expect(effect(others)).toBe('deny')
  })

  it('takes NotAction and NotResource as all others', () => {
    expect(effect({ NotAction: 's3:Put*' })).toBe('allow')
    expect(effect({ NotAction: 's3:get*' })).toBe('none')
    expect(effect({ NotResource: 'arn:aws:s3:::photos/private/*' })).toBe('allow')
    expect(effect({ NotResource: 'arn:aws:s3:::photos/c*' })).toBe('none')
  })

  it('knows an action by any case and a resource by its own only', () => {
    expect(effect({ Action: 'S3:GETOBJECT' })).toBe('allow')
    expect(effect({ Resource: 'arn:aws:s3:::photos/CAT' })).toBe('none')
  })

  it('puts the requester into a resource, and gives nothing to whom it cannot', () => {
    const own = { Resource: 'arn:aws:s3:::photos/${aws:username}' }
    expect(effect(own, { facts: factsOf({ 'aws:username': 'cat' }) })).toBe('allow')
    expect(effect(own, { facts: factsOf({ 'aws:username': '*' }) })).toBe('none')
    expect(effect(own)).toBe('none')
    const others = { NotResource: 'arn:aws:s3:::photos/${aws:username}' }
    expect(effect(others)).toBe('none')
    expect(effect({ ...others, Effect: 'Deny' })).toBe('deny')
  })
})

describe('a condition', () => {
  const holds = (operator: string, key: string, expected: unknown, actual?: string | readonly string[]): boolean => {
    const Condition = { [operator]: { [key]: expected } }
    const facts = factsOf(actual === undefined ? {} : { [key.toLowerCase()]: actual })
    const [allowed, denied] = ['Allow', 'Deny'].map((Effect) => effect({ Effect, Condition }, { facts }))
    // Here every outcome can be told, so that both effects see the same.
    expect([allowed, denied]).toEqual(allowed === 'allow' ? ['allow', 'deny'] : ['none', 'none'])
    return allowed === 'allow'
  }

  it.each([
    ['StringEquals', 's3:prefix', 'a', 'a', true],
    ['StringEquals', 's3:prefix', ['x', 'a'], 'a', true],
    ['StringEquals', 's3:prefix', 'a*', 'ab', false],
    ['StringEquals', 's3:prefix', 'A', 'a', false],
    ['StringEqualsIgnoreCase', 's3:prefix', 'A', 'a', true],
    ['StringNotEquals', 's3:prefix', ['a', 'b'], 'a', false],
    ['StringNotEquals', 's3:prefix', ['a', 'b'], 'c', true],
    ['StringLike', 's3:prefix', 'a*z', 'abcz', true],
    ['StringNotLike', 's3:prefix', 'a*z', 'abcz', false],
    ['NumericEquals', 's3:max-keys', '10', '10.0', true],
    ['NumericLessThanEquals', 's3:max-keys', 10, '10', true],
    ['NumericLessThan', 's3:max-keys', 10, '10', false],
    ['NumericGreaterThan', 's3:max-keys', '9', '10', true],
    ['NumericNotEquals', 's3:max-keys', '9', '9', false],
    ['DateLessThan', 'aws:CurrentTime', '2026-01-01T00:00:00Z', '2025-12-31T23:59:59Z', true],
    ['DateGreaterThan', 'aws:CurrentTime', '1767225600', '2026-01-01T00:00:01Z', true],
    ['DateEquals', 'aws:CurrentTime', '2026-01-01', '2026-01-01T00:00:00+00:00', true],
    ['Bool', 'aws:SecureTransport', 'true', 'TRUE', true],
    ['Bool', 'aws:SecureTransport', false, 'true', false],
    ['IpAddress', 'aws:SourceIp', ['10.0.0.0/8', '192.0.2.7'], '192.0.2.7', true],
    ['IpAddress', 'aws:SourceIp', '10.0.0.0/8', '11.0.0.1', false],
    ['IpAddress', 'aws:SourceIp', '2001:db8::/32', '2001:db8::5', true],
    ['NotIpAddress', 'aws:SourceIp', '10.0.0.0/8', '10.1.2.3', false],
    ['NotIpAddress', 'aws:SourceIp', '10.0.0.0/8', '2001:db8::5', true],
    ['ArnEquals', 'aws:PrincipalArn', 'arn:aws:iam::*:user/a*', 'arn:aws:iam::1:user/ann', true],
    ['ArnLike', 'aws:SourceArn', 'arn:aws:s3:::*', 'arn:aws:s3:::b:c', true],
    ['ArnLike', 'aws:SourceArn', 'arn:*:b:::c', 'arn:aws:s3:::b', false],
    ['ArnNotLike', 'aws:SourceArn', 'arn:aws:s3:::a', 'arn:aws:s3:::a', false],
    ['BinaryEquals', 's3:prefix', 'QUJD', 'QUJD', true],
    ['Null', 's3:x-amz-acl', 'true', 'private', false],
    ['Null', 's3:x-amz-acl', 'false', 'private', true],
    ['ForAllValues:StringEquals', 's3:RequestObjectTagKeys', ['a', 'b'], ['a'], true],
    ['ForAllValues:StringEquals', 's3:RequestObjectTagKeys', ['a', 'b'], ['a', 'c'], false],
    ['ForAnyValue:StringEquals', 's3:RequestObjectTagKeys', ['a', 'b'], ['c', 'a'], true],
    ['ForAnyValue:StringNotEquals', 's3:RequestObjectTagKeys', ['a', 'b'], ['a', 'c'], true],
    ['ForAllValues:StringNotEquals', 's3:RequestObjectTagKeys', ['a', 'b'], ['a', 'c'], false],
    ['StringNotEquals', 's3:RequestObjectTagKeys', ['a', 'b'], ['a', 'c'], false],
  ])('%s of %s %j and %j: %s', (operator, key, expected, actual, outcome) => {
    expect(holds(operator, key, expected, actual)).toBe(outcome)
  })

  it.each([
    ['StringEquals', false],
    ['StringNotEquals', true],
    ['StringEqualsIfExists', true],
    ['ForAllValues:StringEquals', true],
    ['ForAnyValue:StringEquals', false],
    ['ForAnyValue:StringNotEquals', false],
    ['Null', true],
  ])('%s of a key that the request has not: %s', (operator, outcome) => {
    expect(holds(operator, 's3:prefix', 'true')).toBe(outcome)
  })

  it('must hold with all the others', () => {
    const Condition = { StringEquals: { 's3:prefix': 'a', 's3:delimiter': '/' } }
    expect(effect({ Condition }, { facts: factsOf({ 's3:prefix': 'a', 's3:delimiter': '/' }) })).toBe('allow')
    expect(effect({ Condition }, { facts: factsOf({ 's3:prefix': 'a' }) })).toBe('none')
  })

  it('compares with what is known of the requester', () => {
    const Condition = { StringEquals: { 's3:ExistingObjectTag/team': '${aws:PrincipalTag/team}' } }
    const facts = (mine: string) => factsOf({ 's3:existingobjecttag/team': 'red', 'aws:principaltag/team': mine })
    expect(effect({ Condition }, { facts: facts('red') })).toBe('allow')
    expect(effect({ Condition }, { facts: facts('blue') })).toBe('none')
  })

  it('that cannot be told gives nothing and denies', () => {
    const cases: readonly [Statement, Readonly<Record<string, string>>][] = [
      [{ NumericLessThan: { 's3:max-keys': '10' } }, { 's3:max-keys': 'many' }],
      [{ NotIpAddress: { 'aws:SourceIp': '10.0.0.0/8' } }, { 'aws:sourceip': 'somewhere' }],
      [{ DateLessThan: { 'aws:CurrentTime': '2026-01-01' } }, { 'aws:currenttime': 'today' }],
      [{ StringNotEquals: { 's3:prefix': '${aws:username}' } }, { 's3:prefix': 'ann' }],
    ]
    for (const [Condition, facts] of cases) {
      expect(effect({ Condition }, { facts: factsOf(facts) })).toBe('none')
      expect(effect({ Effect: 'Deny', Condition }, { facts: factsOf(facts) })).toBe('deny')
    }
  })

  it('and its opposite never hold together for a value that there is', () => {
    const value = fc.constantFrom('a', 'b', 'A', '', 'a*', '10', '2026-01-01', '10.0.0.1')
    const pairs = [
      ['StringEquals', 'StringNotEquals'],
      ['StringEqualsIgnoreCase', 'StringNotEqualsIgnoreCase'],
      ['StringLike', 'StringNotLike'],
      ['ArnLike', 'ArnNotLike'],
    ] as const
    fc.assert(
      fc.property(
        fc.constantFrom(...pairs),
        fc.array(value, { minLength: 1 }),
        value,
        ([name, opposite], list, one) => {
          const wanted = name === 'ArnLike' ? list.map((each) => `arn:aws:s3:::${each}`) : list
          const facts = factsOf({ 's3:prefix': name === 'ArnLike' ? `arn:aws:s3:::${one}` : one })
          const both = [name, opposite].map((each) =>
            effect({ Condition: { [each]: { 's3:prefix': wanted } } }, { facts }),
          )
          expect(both.sort()).toEqual(['allow', 'none'])
        },
      ),
    )
  })
})

describe('a stored policy that asks for a condition key that nobody has heard of', () => {
  const decided = (Effect: string, Condition: object) => {
    const Statement = { Effect, Action: '*', Resource: '*', Condition }
    const policy = parsePolicy(JSON.stringify({ Version: '2012-10-17', Statement }), { of: 'identity' })
    return evaluate(policy, requestOf()).effect
  }
  it.each(['StringEquals', 'StringNotEquals', 'StringEqualsIfExists', 'ForAllValues:StringLike', 'Null'])(
    'denies what it would, and allows nothing: %s',
    (operator) => {
      const Condition = { [operator]: { 'iam:UnheardOf': 'true' } }
      expect([decided('Deny', Condition), decided('Allow', Condition)]).toEqual(['deny', 'none'])
    },
  )
})
