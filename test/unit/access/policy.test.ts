// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of policies look like placeholders
import { describe, expect, it } from 'vitest'
import { parseNewPolicy, parsePolicy } from '../../../src/access/policy.ts'
import { policyOf, policyText } from '../../support/access.ts'

const parse = (text: string) => () => parsePolicy(text, { of: 'bucket', bucket: 'photos' })
const refusal = (message: string) => expect.objectContaining({ code: 'MalformedPolicy', message })

describe('a bucket policy', () => {
  it.each([
    ['', "Policies must be valid JSON and the first byte must be '{'"],
    [' {}', "Policies must be valid JSON and the first byte must be '{'"],
    ['{"Version":', "Policies must be valid JSON and the first byte must be '{'"],
    ['{"Version":"2012-10-17"}', 'Missing required field Statement'],
    ['{"Version":"2012-10-17","Statement":[]}', 'Could not parse the policy: Statement is empty!'],
    ['{"Version":"2020-01-01","Statement":[]}', 'The policy must contain a valid version string'],
    ['{"Statement":[],"Extra":1}', 'Unknown field Extra'],
    ['{"Statement":["x"]}', 'Syntax errors in policy.'],
    [policyText({ Nonsense: 1 }), 'Unknown field Nonsense'],
    [policyText({ Effect: 'Maybe' }), 'Invalid effect: Maybe'],
    [policyText({ Effect: undefined }), 'Missing required field Effect'],
    [policyText({ Principal: undefined }), 'Missing required field Principal'],
    [policyText({ Action: undefined }), 'Missing required field Action'],
    [policyText({ Resource: undefined }), 'Missing required field Resource'],
    [policyText({ Principal: { AWS: 'arn:aws:iam::*:user/x' } }), 'Invalid principal in policy'],
    [policyText({ Principal: { AWS: [] } }), 'Invalid principal in policy'],
    [policyText({ Principal: { Nobody: 'x' } }), 'Invalid principal in policy'],
    [policyText({ Principal: 'ann' }), 'Invalid principal in policy'],
    [policyText({ NotPrincipal: { AWS: '*' }, Effect: 'Deny' }), 'Invalid principal in policy'],
    [policyText({ NotPrincipal: { AWS: '111111111111' }, Effect: 'Allow' }), 'Allow with NotPrincipal is not allowed.'],
    [policyText({ Action: 's3:GetNothing' }), 'Policy has invalid action'],
    [policyText({ Action: 'ec2:RunInstances' }), 'Policy has invalid action'],
    [policyText({ Action: [] }), 'Syntax errors in policy.'],
    [policyText({ NotAction: 's3:GetObject', Action: 's3:GetObject' }), 'Action and NotAction are mutually exclusive'],
    [policyText({ Resource: 'arn:aws:s3:::other/*' }), 'Policy has invalid resource'],
    [policyText({ Resource: 'photos/*' }), 'Policy has invalid resource'],
    [policyText({ Resource: '*' }), 'Policy has invalid resource'],
    [policyText({ Condition: { StringFoo: { 'aws:SourceIp': 'x' } } }), 'Invalid Condition type : StringFoo'],
    [policyText({ Condition: { NullIfExists: { 'aws:SourceIp': 'true' } } }), 'Invalid Condition type : NullIfExists'],
    [policyText({ Condition: { StringEquals: { 's3:nonsense': 'x' } } }), 'Policy has an invalid condition key'],
    [
      policyText({ Condition: { StringEquals: { 's3:ExistingObjectTag/': 'x' } } }),
      'Policy has an invalid condition key',
    ],
    [
      policyText({ Condition: { NumericEquals: { 's3:max-keys': 'ten' } } }),
      'Invalid value in Condition numericequals: ten',
    ],
    [
      policyText({ Condition: { IpAddress: { 'aws:SourceIp': '1.2.3.4/40' } } }),
      'Invalid value in Condition ipaddress: 1.2.3.4/40',
    ],
    [policyText({ Condition: [] }), 'Syntax errors in policy.'],
    [policyText({ Sid: 'x'.repeat(20 * 1024) }), 'Normalized policy document exceeds the maximum allowed size'],
  ])('refuses %.60s', (text, message) => {
    expect(parse(text)).toThrow(refusal(message))
  })

  it.each([
    { Principal: { AWS: ['111111111111', 'arn:aws:iam::111111111111:root', 'arn:aws:iam::111111111111:user/a/b'] } },
    { Principal: { CanonicalUser: 'abc', Service: 'logging.s3.amazonaws.com', AWS: '*' } },
    { Action: ['s3:Get*', 'S3:LISTBUCKET', '*'] },
    {
      Resource: ['arn:aws:s3:::*', 'arn:aws:s3:::*/*', 'arn:aws:s3:::photos', 'arn:aws:s3:::ph?tos/${aws:username}/*'],
    },
    { Effect: 'Deny', NotPrincipal: { AWS: 'arn:aws:iam::111111111111:user/ann' } },
    { Sid: 'Anything with spaces' },
    { Condition: { 'ForAnyValue:StringLikeIfExists': { 's3:RequestObjectTagKeys': ['a*', 'b'] } } },
    { Condition: { Null: { 'S3:X-Amz-Acl': true }, NumericLessThan: { 's3:max-keys': 10 } } },
    { Condition: { DateGreaterThan: { 'aws:CurrentTime': '2026-01-01T00:00:00Z', 'aws:EpochTime': '1767225600' } } },
  ])('takes %j', (statement) => {
    expect(policyOf(statement).statements).toHaveLength(1)
  })

  describe('that is new', () => {
    const bucket = 'arn:aws:s3:::photos'
    const [object, all] = [`${bucket}/*`, [bucket, `${bucket}/*`]]
    const denied = (statement: object) => policyText({ ...statement, Effect: 'Deny' })
    const effectless = 'Action does not apply to any resource(s) in statement'
    it.each([
      [policyText({ Resource: 'arn:aws-cn:s3:::photos/*' }), 'Policy has invalid resource'],
      [policyText({ Principal: { AWS: 'arn:aws-cn:iam::111111111111:root' } }), 'Invalid principal in policy'],
      [policyText({ Principal: { AWS: 'arn:aws-us-gov:iam::111111111111:user/a' } }), 'Invalid principal in policy'],
      [denied({ Action: 's3:ListBucket', Resource: object }), effectless],
      [denied({ Action: ['s3:GetObject', 's3:ListBucket'], Resource: object }), effectless],
      [denied({ Action: 's3:GetObject', Resource: bucket }), effectless],
      [denied({ Action: 's3:GetObject*', Resource: bucket }), effectless],
      [denied({ Action: 's3:ListAllMyBuckets', Resource: all }), effectless],
      [policyText({}).replace('"Effect"', '"Effect":"Deny","Effect"'), 'Syntax errors in policy.'],
      [policyText({}).replace('"Effect"', '"\\u0045ffect":"Deny","Effect"'), 'Syntax errors in policy.'],
      [policyText({}).replace('"Version"', '"Statement":[],"Version"'), 'Syntax errors in policy.'],
    ])('is refused, and read where an earlier release took it: %s', (text, message) => {
      expect(() => parseNewPolicy(text, { of: 'bucket', bucket: 'photos' })).toThrow(refusal(message))
      expect(parse(text)().statements.length).toBeGreaterThan(0)
    })

    it.each([
      { Action: ['s3:GetObject', 's3:ListBucket'], Resource: all },
      { Action: 's3:*', Resource: bucket },
      { Action: '*', Resource: object },
      { Action: 's3:Get*', Resource: bucket },
      { Action: 's3:ListBucket', Resource: 'arn:aws:s3:::photo*' },
      { Action: 's3:GetObject', Resource: 'arn:aws:s3:::photo*' },
      { Action: 's3:GetObject', NotResource: bucket },
      { NotAction: 's3:GetObject', Resource: bucket },
      {
        Condition: { StringEquals: { 'aws:Referer': 'a":"b', 'aws:UserAgent': ':' }, Null: { 'aws:Referer': 'false' } },
      },
    ])('is taken: %j', (statement) => {
      const text = policyText(statement, { ...statement, Effect: 'Deny' })
      expect(parseNewPolicy(text, { of: 'bucket', bucket: 'photos' }).statements).toHaveLength(2)
    })

    it('may give what cannot be done, as the public suite has it', () => {
      const text = policyText({ Action: 's3:PutObject', Resource: bucket })
      expect(parseNewPolicy(text, { of: 'bucket', bucket: 'photos' }).statements).toHaveLength(1)
    })

    it('of an identity names resources of this partition', () => {
      const of = (Resource: string) => policyText({ Principal: undefined, Resource })
      for (const resource of ['*', object, 'arn:*:s3:::b/*', 'arn:aws:iam::1:user/x']) {
        expect(parseNewPolicy(of(resource), { of: 'identity' }).statements).toHaveLength(1)
      }
      expect(() => parseNewPolicy(of('arn:aws-cn:s3:::b'), { of: 'identity' })).toThrow(
        refusal('Policy has invalid resource'),
      )
    })
  })

  it('says which condition keys it asks for', () => {
    const { keys } = policyOf({
      Resource: 'arn:aws:s3:::photos/${aws:username}/*',
      Condition: { StringEquals: { 's3:ExistingObjectTag/Team': '${aws:PrincipalTag/Team}' } },
    })
    expect([...keys].sort()).toEqual(['aws:principaltag/team', 'aws:username', 's3:existingobjecttag/team'])
  })

  it('of an identity has statements of different names, which one of a bucket need not', () => {
    const twice = policyText({ Sid: 'a', Principal: undefined }, { Sid: 'a', Principal: undefined })
    expect(() => parsePolicy(twice, { of: 'identity' })).toThrow(
      refusal('Statement IDs (SID) in a single policy must be unique.'),
    )
    expect(parse(policyText({ Sid: 'a' }, { Sid: 'a' }))().statements).toHaveLength(2)
  })

  it('of an identity has no principal, and of a role no resource', () => {
    const document = { Version: '2012-10-17', Statement: { Effect: 'Allow', Action: 'sts:AssumeRole' } }
    const identity = JSON.stringify({ ...document, Statement: { ...document.Statement, Resource: '*' } })
    const role = JSON.stringify({ ...document, Statement: { ...document.Statement, Principal: '*' } })
    expect(parsePolicy(identity, { of: 'identity' }).statements).toHaveLength(1)
    expect(parsePolicy(role, { of: 'role' }).statements).toHaveLength(1)
    expect(() => parsePolicy(role, { of: 'identity' })).toThrow(
      refusal('Policy document should not specify a principal.'),
    )
    expect(() => parsePolicy(policyText({}), { of: 'role' })).toThrow(refusal('Has prohibited field Resource'))
  })
})
