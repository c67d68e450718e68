import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { codeOf, rawRequest } from './raw-request.ts'
import { encodeKey } from './sigv4/signer.ts'

const named = (target: string, host = 'localhost:9000', domains: readonly string[] = []) => {
  const { bucket, key } = rawRequest({ target, headers: { host }, domains })
  return [bucket, key]
}

describe('what a path names', () => {
  it.each([
    ['/', undefined, undefined],
    ['/bucket', 'bucket', undefined],
    ['/bucket/', 'bucket', undefined],
    ['/bucket//', 'bucket', '/'],
    ['/bucket/a/../b', 'bucket', 'a/../b'],
    ['/bucket//a/./b/', 'bucket', '/a/./b/'],
    ['/bucket/a+b', 'bucket', 'a+b'],
    ['/bucket/a%2Fb%252Fc', 'bucket', 'a/b%2Fc'],
    ['/bucket/%E6%97%A5?list', 'bucket', '日'],
    ['/bucket/%F0%9F%A6%8A', 'bucket', '🦊'],
    [`/bucket/${Buffer.from('日').toString('latin1')}`, 'bucket', '日'],
    ['http://localhost:9000/bucket/key?a=b', 'bucket', 'key'],
    ['*', undefined, undefined],
  ])('%s', (target, bucket, key) => {
    expect(named(target)).toEqual([bucket, key])
  })

  it.each([
    ['/bucket/%', 'InvalidURI'],
    ['/bucket/%zz', 'InvalidURI'],
    ['/bucket/%E0%A4%A', 'InvalidURI'],
    ['/bucket/%C0%AF', 'InvalidURI'],
    ['/bucket/%ED%A0%80', 'InvalidURI'],
    ['/bucket/\u00e9', 'InvalidURI'],
    ['/bucket/a%00b', 'InvalidURI'],
    ['/buc%ket/key', 'InvalidURI'],
    ['/bucket?a=%', 'InvalidURI'],
    ['/bucket?%00', 'InvalidURI'],
    ['http://elsewhere/bucket/key', 'InvalidURI'],
    ['bucket/key', 'InvalidURI'],
    ['//key', 'InvalidBucketName'],
    [`/bucket/${'a'.repeat(1025)}`, 'KeyTooLongError'],
    [`/bucket/${encodeKey('é'.repeat(513))}`, 'KeyTooLongError'],
  ])('%s is refused', (target, code) => {
    expect(codeOf(() => named(target))).toBe(code)
  })

  it('takes keys of exactly 1024 bytes', () => {
    expect(named(`/bucket/${encodeKey('é'.repeat(512))}`)[1]).toHaveLength(512)
  })

  it('gives back any key that was encoded once', () => {
    const key = fc.string({ unit: 'binary', minLength: 1, maxLength: 200 }).filter((text) => !text.includes('\0'))
    fc.assert(
      fc.property(key, (text) => {
        expect(named(`/b/${encodeKey(text)}`)).toEqual(['b', text])
      }),
    )
  })

  it('gives a request or an S3 error for any target', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary-ascii' }), fc.string({ unit: 'binary' }), (target, host) => {
        expect(['none', 'InvalidURI', 'InvalidBucketName', 'KeyTooLongError']).toContain(
          codeOf(() => named(`/${target}`, host, ['example.com'])),
        )
        expect(codeOf(() => named(target, host))).toBeTypeOf('string')
      }),
    )
  })
})

describe('virtual hosts', () => {
  const domains = ['s3.example.com', 'example.com']
  it.each([
    ['photos.s3.example.com', '/a/b', 'photos', 'a/b'],
    ['Photos.S3.Example.com:9000', '/', 'photos', undefined],
    ['my.dotted.s3.example.com', '/k', 'my.dotted', 'k'],
    ['s3.example.com', '/bucket/k', 'bucket', 'k'],
    ['example.com:9000', '/bucket/k', 'bucket', 'k'],
    ['other.example.com', '/k', 'other', 'k'],
    ['localhost', '/bucket/k', 'bucket', 'k'],
    ['xs3.example.org', '/bucket/k', 'bucket', 'k'],
  ])('%s%s', (host, target, bucket, key) => {
    expect(named(target, host, domains)).toEqual([bucket, key])
  })
})

describe('query and headers', () => {
  it('decodes a query once, with + as space, and keeps the first of a repeated name', () => {
    const { query, duplicateQuery, rawQuery } = rawRequest({
      target: '/b?prefix=a+b%2Bc&acl&prefix=z&&x=1=2&__proto__=p',
    })
    expect([...query]).toEqual([
      ['prefix', 'a b+c'],
      ['acl', ''],
      ['x', '1=2'],
      ['__proto__', 'p'],
    ])
    expect([...duplicateQuery]).toEqual(['prefix'])
    expect(rawQuery).toBe('prefix=a+b%2Bc&acl&prefix=z&&x=1=2&__proto__=p')
  })

  it('lower-cases header names and joins repeated ones', () => {
    const { headers, duplicateHeaders } = rawRequest({
      target: '/b',
      headers: [
        ['Host', 'h'],
        ['X-Amz-Meta-A', '1'],
        ['x-amz-meta-a', '2'],
        ['__proto__', 'p'],
      ],
    })
    expect([...headers]).toEqual([
      ['host', 'h'],
      ['x-amz-meta-a', '1,2'],
      ['__proto__', 'p'],
    ])
    expect([...duplicateHeaders]).toEqual(['x-amz-meta-a'])
  })
})
