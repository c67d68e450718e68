import { describe, expect, it } from 'vitest'
import { readChecksumRequest, readXmlBody } from '../../../src/api/s3/checksum-headers.ts'
import { readMultipartChecksum } from '../../../src/api/s3/multipart-checksum.ts'
import type { RequestBody } from '../../../src/api/s3/request.ts'
import { plainBody } from '../../../src/api/s3/sigv4/body.ts'
import { hashOf } from '../../../src/base/checksums.ts'
import { codeOf, codeOfAsync, rawRequest, streamOf } from './raw-request.ts'

const request = (headers: Record<string, string>) => rawRequest({ method: 'PUT', target: '/b/k', headers })
const base64 = (algorithm: Parameters<typeof hashOf>[0], text: string) =>
  hashOf(algorithm, Buffer.from(text)).toString('base64')

describe('checksums announced by a request', () => {
  it.each(['crc32', 'crc32c', 'crc64nvme', 'sha1', 'sha256'] as const)('reads x-amz-checksum-%s', (algorithm) => {
    const value = base64(algorithm, 'hello')
    const wanted = readChecksumRequest(
      request({ [`x-amz-checksum-${algorithm}`]: value, 'x-amz-sdk-checksum-algorithm': algorithm.toUpperCase() }),
    )
    expect(wanted).toEqual({ algorithm, expected: Buffer.from(value, 'base64') })
  })

  it('reads Content-MD5 and the name of a trailer', () => {
    const md5 = base64('md5', 'hello')
    expect(
      readChecksumRequest(
        request({ 'content-md5': md5, 'x-amz-trailer': 'x-amz-checksum-crc64nvme', 'x-amz-checksum-mode': 'ENABLED' }),
      ),
    ).toEqual({ contentMd5: Buffer.from(md5, 'base64'), algorithm: 'crc64nvme', expected: 'trailer' })
    expect(readChecksumRequest(request({}))).toEqual({})
  })

  const crc32 = base64('crc32', 'hello')
  it.each([
    ['a short MD5', { 'content-md5': 'YWJj' }, 'InvalidDigest'],
    ['an MD5 with junk', { 'content-md5': `${base64('md5', 'x')} ` }, 'InvalidDigest'],
    ['an empty MD5', { 'content-md5': '' }, 'InvalidDigest'],
    ['a hexadecimal checksum', { 'x-amz-checksum-crc32': '3610a686' }, 'BadDigest'],
    ['an empty checksum', { 'x-amz-checksum-sha256': '' }, 'BadDigest'],
    ['two checksums', { 'x-amz-checksum-crc32': crc32, 'x-amz-checksum-sha1': base64('sha1', 'x') }, 'InvalidRequest'],
    [
      'a checksum and a trailer',
      { 'x-amz-checksum-crc32': crc32, 'x-amz-trailer': 'x-amz-checksum-crc32' },
      'InvalidRequest',
    ],
    ['an unknown checksum', { 'x-amz-checksum-md4': crc32 }, 'InvalidRequest'],
    ['an unknown trailer', { 'x-amz-trailer': 'etag' }, 'InvalidRequest'],
    [
      'a checksum of another algorithm',
      { 'x-amz-checksum-crc32': crc32, 'x-amz-sdk-checksum-algorithm': 'SHA1' },
      'InvalidRequest',
    ],
    ['an algorithm without a checksum', { 'x-amz-sdk-checksum-algorithm': 'CRC32' }, 'InvalidRequest'],
    [
      'an unknown algorithm',
      { 'x-amz-checksum-crc32': crc32, 'x-amz-sdk-checksum-algorithm': 'ROT13' },
      'InvalidRequest',
    ],
  ])('refuses %s', (_what, headers, code) => {
    expect(codeOf(() => readChecksumRequest(request(headers)))).toBe(code)
  })
})

describe('checksums of a multipart upload', () => {
  const read = (algorithm?: string, type?: string) =>
    readMultipartChecksum(
      request({
        ...(algorithm === undefined ? {} : { 'x-amz-checksum-algorithm': algorithm }),
        ...(type === undefined ? {} : { 'x-amz-checksum-type': type }),
      }),
    )

  it.each([
    ['CRC32', undefined, 'crc32', 'COMPOSITE'],
    ['CRC32C', 'FULL_OBJECT', 'crc32c', 'FULL_OBJECT'],
    ['CRC64NVME', undefined, 'crc64nvme', 'FULL_OBJECT'],
    ['SHA256', 'COMPOSITE', 'sha256', 'COMPOSITE'],
  ])('%s %s', (algorithm, type, expected, expectedType) => {
    expect(read(algorithm, type)).toEqual({ algorithm: expected, type: expectedType })
  })

  it('refuses the combinations that S3 does not have', () => {
    expect(read()).toBeUndefined()
    for (const [algorithm, type] of [
      ['SHA1', 'FULL_OBJECT'],
      ['CRC64NVME', 'COMPOSITE'],
      ['MD5', undefined],
      ['CRC32', 'HALF'],
      [undefined, 'COMPOSITE'],
    ]) {
      expect(codeOf(() => read(algorithm, type))).toBe('InvalidRequest')
    }
  })
})

describe('small bodies', () => {
  const read = (
    text: string,
    headers: Record<string, string>,
    options: { maxBytes?: number; required?: boolean } = {},
  ) => {
    const incoming = request({ 'content-length': String(text.length), ...headers })
    const body: RequestBody = plainBody(incoming, streamOf(text))
    return readXmlBody(incoming, body, { maxBytes: 100, ...options })
  }

  it('are read and verified', async () => {
    const md5 = { 'content-md5': base64('md5', '<A/>') }
    expect((await read('<A/>', md5, { required: true })).toString()).toBe('<A/>')
    expect(
      (await read('<A/>', { 'x-amz-checksum-crc32': base64('crc32', '<A/>') }, { required: true })).toString(),
    ).toBe('<A/>')
    expect((await read('', {})).length).toBe(0)
  })

  it('are refused when they are damaged, too long, or come without a digest that is needed', async () => {
    expect(await codeOfAsync(() => read('<B/>', { 'content-md5': base64('md5', '<A/>') }))).toBe('BadDigest')
    expect(await codeOfAsync(() => read('<B/>', { 'x-amz-checksum-sha256': base64('sha256', '<A/>') }))).toBe(
      'BadDigest',
    )
    expect(await codeOfAsync(() => read('<B/>', {}, { required: true }))).toBe('InvalidRequest')
    expect(await codeOfAsync(() => read('<B/>', {}, { maxBytes: 3 }))).toBe('MaxMessageLengthExceeded')
    const chunked = rawRequest({ method: 'POST', target: '/b', headers: { 'transfer-encoding': 'chunked' } })
    const body = plainBody(chunked, streamOf('ab', 'cd'))
    expect(await codeOfAsync(() => readXmlBody(chunked, body, { maxBytes: 3 }))).toBe('MaxMessageLengthExceeded')
  })
})
