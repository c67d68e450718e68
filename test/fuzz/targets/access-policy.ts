import assert from 'node:assert/strict'
import fc from 'fast-check'
import { evaluate } from '../../../src/access/evaluate.ts'
import { type PolicyKind, parseNewPolicy, parsePolicy } from '../../../src/access/policy.ts'
import { isPublicPolicy } from '../../../src/access/public.ts'
import { ANONYMOUS, accountArn, type Requester } from '../../../src/access/requester.ts'
import { type FuzzTarget, refusals } from '../target.ts'

const ACCOUNT = '0123456789abcdef0123456789abcdef'
const FACTS: Readonly<Record<string, readonly string[]>> = {
  'aws:sourceip': ['10.0.0.1'],
  'aws:username': ['somebody'],
  'aws:currenttime': ['2030-01-01T00:00:00Z'],
  's3:prefix': ['a/b'],
  'aws:securetransport': ['true'],
  's3:max-keys': ['10'],
  's3:requestobjecttagkeys': ['a', 'b'],
}
/** Written in two pieces: it is a variable of a policy, not of this file. */
const VARIABLE = '$'.concat('{')
const USERNAME = `${VARIABLE}aws:username}`
const REQUESTERS: readonly Requester[] = [
  ANONYMOUS,
  {
    type: 'identity',
    accountId: ACCOUNT,
    canonicalId: ACCOUNT,
    arns: [`arn:aws:iam::${ACCOUNT}:user/somebody`, accountArn(ACCOUNT)],
  },
]
const KINDS: readonly PolicyKind[] = [{ of: 'bucket', bucket: 'b' }, { of: 'identity' }, { of: 'role' }]

const bucket = {
  Version: '2012-10-17',
  Id: 'p',
  Statement: [
    {
      ...{
        Sid: 's',
        Effect: 'Allow',
        Principal: { AWS: ['*', accountArn(ACCOUNT)] },
        Action: ['s3:GetObject', 's3:Put*'],
      },
      Resource: `arn:aws:s3:::b/${USERNAME}/*`,
      Condition: {
        StringLike: { 's3:prefix': ['a/*', USERNAME] },
        'ForAnyValue:StringEqualsIgnoreCase': { 's3:RequestObjectTagKeys': 'a' },
        NotIpAddress: { 'aws:SourceIp': '10.0.0.0/8' },
        DateLessThanIfExists: { 'aws:CurrentTime': '2031-01-01T00:00:00Z' },
        NumericLessThan: { 's3:max-keys': 100 },
        Bool: { 'aws:SecureTransport': true },
        Null: { 's3:x-amz-acl': 'true' },
      },
    },
    { Effect: 'Deny', Principal: '*', NotAction: 's3:GetObject', NotResource: 'arn:aws:s3:::b/x?' },
  ],
}
const identity = { Version: '2012-10-17', Statement: { Effect: 'Allow', Action: '*', Resource: '*' } }
const role = {
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Principal: { AWS: ACCOUNT }, Action: 'sts:AssumeRole' }],
}

const word = fc.constantFrom(
  '*',
  '?',
  '',
  's3:*',
  's3:GetObject',
  'arn:aws:s3:::b/*',
  USERNAME,
  VARIABLE,
  'a*a*a*b',
  '__proto__',
  '10.0.0.0/33',
  '2030-13-01',
)
const words = fc.oneof(word, fc.array(word, { maxLength: 3 }), fc.constant(null), fc.integer(), fc.boolean())
const OPERATORS = [
  'StringEquals',
  'StringNotLike',
  'ArnLike',
  'IpAddress',
  'NumericEquals',
  'DateEquals',
  'Bool',
  'BinaryEquals',
  'Null',
  'ForAllValues:StringLike',
  'constructor',
]
const keys = fc.constantFrom(
  'aws:SourceIp',
  's3:prefix',
  'aws:CurrentTime',
  's3:max-keys',
  'aws:PrincipalTag/a',
  '__proto__',
  'x',
)
const statement = fc.record(
  {
    Sid: fc.constantFrom('a', '', 1),
    Effect: fc.constantFrom('Allow', 'Deny', 'allow'),
    Principal: fc.oneof(
      words,
      fc.dictionary(fc.constantFrom('AWS', 'Service', 'Federated', 'CanonicalUser', '__proto__'), words),
    ),
    NotPrincipal: words,
    Action: words,
    NotAction: words,
    Resource: words,
    NotResource: words,
    Condition: fc.oneof(
      words,
      fc.dictionary(fc.constantFrom(...OPERATORS), fc.oneof(words, fc.dictionary(keys, words))),
    ),
  },
  { requiredKeys: ['Effect', 'Action', 'Resource'] },
)
const document = fc.record({
  Version: fc.constantFrom('2012-10-17', '2008-10-17'),
  Statement: fc.oneof(statement, fc.array(statement, { maxLength: 3 })),
})

export const accessPolicyTarget: FuzzTarget = {
  name: 'access-policy',
  seeds: [bucket, identity, role].map((policy) => Buffer.from(JSON.stringify(policy))),
  inputs: document.map((policy) => Buffer.from(JSON.stringify(policy))),
  words: [
    '"NotPrincipal"',
    '"*"',
    '"Deny"',
    USERNAME,
    `${VARIABLE}*}`,
    `${VARIABLE}a, 'b'}`,
    '"ForAllValues:StringLike"',
    '"Sid":"a",',
    '\\u002a',
  ],
  mayThrow: refusals('MalformedPolicy'),
  run: (input) => {
    const text = input.toString('utf8')
    let refusal: unknown
    let taken = 0
    for (const kind of KINDS) {
      try {
        const policy = parsePolicy(text, kind)
        taken++
        isPublicPolicy(policy)
        for (const requester of REQUESTERS) {
          for (const resource of [
            'arn:aws:s3:::b/somebody/x',
            'arn:aws:s3:::b',
            `arn:aws:s3:::b/${'a'.repeat(1024)}`,
          ]) {
            const request = { requester, action: 's3:GetObject', resource, facts: { get: (key: string) => FACTS[key] } }
            assert.deepEqual(evaluate(policy, request), evaluate(parsePolicy(text, kind), request))
          }
        }
        parseNewPolicy(text, kind)
      } catch (error) {
        if (!refusals('MalformedPolicy')(error)) throw error
        refusal = error
      }
    }
    if (taken === 0) throw refusal
  },
}
