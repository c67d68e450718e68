import {
  GetObjectAttributesCommand,
  type GetObjectAttributesCommandInput,
  type ObjectAttributes,
} from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { contentBytes } from '../support/content.ts'
import { MIN_PART_BYTES, uploadInParts } from '../support/multipart.ts'
import { type ObjectHouse, refusal, startObjectHouse } from '../support/object-house.ts'
import { outcome } from '../support/raw-s3.ts'
import { base64, composite } from '../support/reference-checksums.ts'

let test: ObjectHouse
beforeAll(async () => {
  test = await startObjectHouse()
})
afterAll(() => test[Symbol.asyncDispose]())

const ALL: ObjectAttributes[] = ['ETag', 'Checksum', 'ObjectParts', 'StorageClass', 'ObjectSize']
const attributes = async (
  Key: string,
  wanted: ObjectAttributes[] = ALL,
  more: Partial<GetObjectAttributesCommandInput> = {},
) => {
  const command = new GetObjectAttributesCommand({ Bucket: test.bucket, Key, ObjectAttributes: wanted, ...more })
  const { $metadata: _, ...told } = await test.s3.send(command)
  return told
}

const PARTS = [1, 2, 3].map((number) => contentBytes(`part ${number}`, number === 3 ? 100 : MIN_PART_BYTES))

describe('GetObjectAttributes', () => {
  it('tells of a plain object all that is asked for, and nothing else', async () => {
    const { ETag } = await test.put('plain', 'bytes', { ChecksumAlgorithm: 'SHA256' })
    const LastModified = (await test.get('plain')).LastModified
    expect(await attributes('plain')).toEqual({
      ...{ LastModified, ETag: ETag?.replaceAll('"', ''), StorageClass: 'STANDARD', ObjectSize: 5 },
      Checksum: { ChecksumSHA256: base64('SHA256', 'bytes'), ChecksumType: 'FULL_OBJECT' },
    })
    expect(await attributes('plain', ['ObjectSize'])).toEqual({ LastModified, ObjectSize: 5 })
    expect(await attributes('plain', ['ObjectParts'])).toEqual({ LastModified })
  })

  it('tells the parts of an object with their checksums', async () => {
    const checksum = { create: { ChecksumAlgorithm: 'SHA256' }, part: { ChecksumAlgorithm: 'SHA256' } } as const
    const { ETag } = await uploadInParts(test, 'parts', PARTS, { ...checksum, numbers: [2, 5, 7] })
    expect(await attributes('parts')).toMatchObject({
      ...{ ETag: ETag?.replaceAll('"', ''), ObjectSize: 2 * MIN_PART_BYTES + 100 },
      Checksum: { ChecksumSHA256: composite('SHA256', PARTS), ChecksumType: 'COMPOSITE' },
      ObjectParts: {
        ...{ TotalPartsCount: 3, PartNumberMarker: '0', NextPartNumberMarker: '3', MaxParts: 1000, IsTruncated: false },
        Parts: PARTS.map((part, index) => ({
          ...{ PartNumber: index + 1, Size: part.length, ChecksumSHA256: base64('SHA256', part) },
        })),
      },
    })
  })

  it('pages through parts', async () => {
    const plain = { part: { ChecksumAlgorithm: undefined } }
    await uploadInParts(test, 'paged', PARTS, plain)
    const page = async (MaxParts: number, PartNumberMarker: string) => {
      const { ObjectParts } = await attributes('paged', ['ObjectParts'], { MaxParts, PartNumberMarker })
      const { PartNumberMarker: from, NextPartNumberMarker: to, MaxParts: most, IsTruncated, Parts } = ObjectParts ?? {}
      return [from, to, most, IsTruncated, Parts?.map(({ PartNumber, Size }) => [PartNumber, Size])]
    }
    expect(await page(1, '0')).toEqual(['0', '1', 1, true, [[1, MIN_PART_BYTES]]])
    expect(await page(1, '1')).toEqual(['1', '2', 1, true, [[2, MIN_PART_BYTES]]])
    expect(await page(10, '2')).toEqual(['2', '3', 10, false, [[3, 100]]])
    expect(await page(2000, '3')).toEqual(['3', '3', 1000, false, undefined])
    expect(await page(0, '0')).toEqual(['0', '0', 0, true, undefined])
  })

  it('of a single part of an upload tells the part', async () => {
    await uploadInParts(test, 'single', [contentBytes('single', 10)])
    expect(await attributes('single', ['ObjectParts'])).toMatchObject({
      ObjectParts: { TotalPartsCount: 1, Parts: [{ PartNumber: 1, Size: 10 }] },
    })
  })

  it.each([
    ['no attributes', {}, '400 InvalidRequest'],
    ['an empty list', { 'x-amz-object-attributes': ',' }, '400 InvalidRequest'],
    ['an unknown attribute', { 'x-amz-object-attributes': 'ETag,Colour' }, '400 InvalidArgument'],
    [
      'a marker that is no number',
      { 'x-amz-object-attributes': 'ETag', 'x-amz-part-number-marker': 'x' },
      '400 InvalidArgument',
    ],
    ['a negative limit', { 'x-amz-object-attributes': 'ETag', 'x-amz-max-parts': '-1' }, '400 InvalidArgument'],
  ])('refuses %s', async (_what, headers, expected) => {
    await test.put('refused', 'x')
    expect(outcome(await test.raw({ method: 'GET', key: 'refused', query: { attributes: '' }, headers }))).toBe(
      expected,
    )
  })

  it('of what is not there is an error', async () => {
    expect(await refusal(attributes('missing'))).toBe('404 NoSuchKey')
  })
})
