// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of policies look like placeholders
import { describe, expect, it } from 'vitest'
import { isPublicPolicy } from '../../../src/access/public.ts'
import { policyOf } from '../../support/access.ts'

const isPublic = (statement: Readonly<Record<string, unknown>>) => isPublicPolicy(policyOf(statement))

describe('a public policy', () => {
  it('gives something to everyone', () => {
    expect(isPublic({})).toBe(true)
    expect(isPublic({ Principal: { AWS: ['111111111111', '*'] } })).toBe(true)
    expect(isPublic({ Effect: 'Deny' })).toBe(false)
    expect(isPublic({ Principal: { AWS: 'arn:aws:iam::111111111111:root' } })).toBe(false)
    expect(isPublic({ Principal: { Service: 'logging.s3.amazonaws.com' } })).toBe(false)
  })

  it.each([
    { IpAddress: { 'aws:SourceIp': '203.0.113.0/24' } },
    { IpAddress: { 'aws:SourceIp': ['10.0.0.0/8', '2001:db8::/32', '192.0.2.1'] } },
    {
      IpAddress: { 'aws:SourceIp': ['172.16.0.0/12', '192.168.0.0/16', 'fc00::/7', 'fd12::/16', '::ffff:8.0.0.0/104'] },
    },
    { StringEquals: { 'aws:PrincipalOrgID': 'o-1' } },
    { StringLike: { 'aws:SourceVpce': 'vpce-1' } },
    { ArnLike: { 'aws:SourceArn': 'arn:aws:sns:us-east-1:111111111111:topic' } },
    { StringEquals: { 's3:x-amz-server-side-encryption-aws-kms-key-id': 'key' } },
  ])('is none with the condition %j', (Condition) => {
    expect(isPublic({ Condition })).toBe(false)
  })

  it.each([
    { IpAddress: { 'aws:SourceIp': '0.0.0.0/0' } },
    { IpAddress: { 'aws:SourceIp': ['203.0.113.0/24', '128.0.0.0/1'] } },
    { IpAddress: { 'aws:SourceIp': '::/0' } },
    { IpAddress: { 'aws:SourceIp': '10.0.0.0/0' } },
    { IpAddress: { 'aws:SourceIp': '10.0.0.0/7' } },
    { IpAddress: { 'aws:SourceIp': '127.0.0.1/0' } },
    { IpAddress: { 'aws:SourceIp': '172.31.0.0/6' } },
    { IpAddress: { 'aws:SourceIp': 'fc00::/0' } },
    { IpAddress: { 'aws:SourceIp': 'fc00::/6' } },
    { IpAddress: { 'aws:SourceIp': '2001:db8::/31' } },
    { IpAddress: { 'aws:SourceIp': '::ffff:0:0/96' } },
    { IpAddress: { 'aws:SourceIp': '::ffff:10.0.0.0/102' } },
    { IpAddress: { 'aws:SourceIp': '::/40' } },
    { NotIpAddress: { 'aws:SourceIp': '203.0.113.0/24' } },
    { IpAddressIfExists: { 'aws:SourceIp': '203.0.113.0/24' } },
    { StringLike: { 'aws:SourceVpce': 'vpce-*' } },
    { StringNotEquals: { 'aws:SourceVpce': 'vpce-1' } },
    { StringEquals: { 'aws:PrincipalArn': '${aws:PrincipalArn}' } },
    { 'ForAllValues:StringEquals': { 'aws:PrincipalOrgID': 'o-1' } },
    { StringEquals: { 'aws:Referer': 'https://example.com' } },
    { Bool: { 'aws:SecureTransport': 'true' } },
  ])('stays one with the condition %j', (Condition) => {
    expect(isPublic({ Condition })).toBe(true)
  })
})
