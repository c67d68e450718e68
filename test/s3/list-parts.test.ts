import { ListPartsCommand, type ListPartsCommandInput, paginateListParts } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createUpload, sendPart } from '../support/multipart.ts'
import { type ObjectHouse, refusal, startObjectHouse } from '../support/object-house.ts'
import { outcome } from '../support/raw-s3.ts'

const NUMBERS = [1, 2, 3, 10, 255, 256, 9999, 10_000]

let test: ObjectHouse
let uploadId = ''
let etags: (string | undefined)[] = []
beforeAll(async () => {
  test = await startObjectHouse()
  uploadId = await createUpload(test, 'key/ü', { ChecksumAlgorithm: 'SHA256' })
  // Uploaded in the wrong order: the list goes by number.
  const parts = await Promise.all(
    NUMBERS.toReversed().map((number) =>
      sendPart(test, 'key/ü', uploadId, number, 'x'.repeat(number), { ChecksumAlgorithm: 'SHA256' }),
    ),
  )
  etags = parts.toReversed().map(({ ETag }) => ETag)
})
afterAll(() => test[Symbol.asyncDispose]())

const list = (more: Partial<ListPartsCommandInput> = {}) =>
  test.s3.send(new ListPartsCommand({ Bucket: test.bucket, Key: 'key/ü', UploadId: uploadId, ...more }))

describe('ListParts', () => {
  it('shows every part by its number', async () => {
    const { Parts = [], ...rest } = await list()
    expect(Parts.map(({ PartNumber }) => PartNumber)).toEqual(NUMBERS)
    expect(Parts.map(({ Size }) => Size)).toEqual(NUMBERS)
    expect(Parts.map(({ ETag }) => ETag)).toEqual(etags)
    for (const { LastModified, ChecksumSHA256 } of Parts) {
      expect(LastModified).toBeInstanceOf(Date)
      expect(ChecksumSHA256).toHaveLength(44)
    }
    expect(rest).toMatchObject({
      Bucket: test.bucket,
      Key: 'key/ü',
      UploadId: uploadId,
      StorageClass: 'STANDARD',
      IsTruncated: false,
      MaxParts: 1000,
      PartNumberMarker: '0',
      NextPartNumberMarker: '10000',
      ChecksumAlgorithm: 'SHA256',
      ChecksumType: 'COMPOSITE',
    })
    expect(rest.Owner?.ID).toBeTruthy()
    expect(rest.Initiator?.ID).toBeTruthy()
  })

  it.each([1, 2, 3, 7, 8, 9])('gives the same in pages of %i', async (pageSize) => {
    const numbers: (number | undefined)[] = []
    const sizes: number[] = []
    const input = { Bucket: test.bucket, Key: 'key/ü', UploadId: uploadId }
    // This paginator goes by the marker alone, so it asks for one page more, which must end it.
    for await (const { Parts = [], IsTruncated } of paginateListParts({ client: test.s3, pageSize }, input)) {
      sizes.push(Parts.length)
      numbers.push(...Parts.map(({ PartNumber }) => PartNumber))
      expect(IsTruncated).toBe(numbers.length < NUMBERS.length)
    }
    expect(numbers).toEqual(NUMBERS)
    expect(sizes.slice(0, -2).every((size) => size === pageSize)).toBe(true)
    expect(sizes.at(-1)).toBe(0)
  })

  it('starts after a marker, also one that is no part', async () => {
    const numbersAfter = async (marker: string) =>
      (await list({ PartNumberMarker: marker })).Parts?.map(({ PartNumber }) => PartNumber)
    expect(await numbersAfter('3')).toEqual([10, 255, 256, 9999, 10_000])
    expect(await numbersAfter('100')).toEqual([255, 256, 9999, 10_000])
    expect(await numbersAfter('10000')).toBeUndefined()
    expect(await numbersAfter('2000000000')).toBeUndefined()
  })

  it('shows nothing more of a page of none', async () => {
    const { Parts, IsTruncated, MaxParts } = await list({ MaxParts: 0 })
    expect({ Parts, IsTruncated, MaxParts }).toEqual({ Parts: undefined, IsTruncated: false, MaxParts: 0 })
  })

  it('shows no more than 1000, whatever is asked', async () => {
    expect((await list({ MaxParts: 5000 })).MaxParts).toBe(1000)
  })

  it.each([
    { 'max-parts': '-1' },
    { 'max-parts': 'ten' },
    { 'part-number-marker': '-1' },
    { 'part-number-marker': 'x' },
  ])('refuses %j', async (query) => {
    expect(outcome(await test.raw({ method: 'GET', key: 'key/%C3%BC', query: { uploadId, ...query } }))).toBe(
      '400 InvalidArgument',
    )
  })

  it('shows a part as it was uploaded last', async () => {
    const id = await createUpload(test, 'again')
    await sendPart(test, 'again', id, 1, 'first')
    const { ETag } = await sendPart(test, 'again', id, 1, 'second try')
    const { Parts } = await list({ Key: 'again', UploadId: id })
    expect(Parts).toMatchObject([{ PartNumber: 1, ETag, Size: 10 }])
  })

  it('of an upload without parts is empty', async () => {
    const id = await createUpload(test, 'empty')
    const { Parts, IsTruncated } = await list({ Key: 'empty', UploadId: id })
    expect({ Parts, IsTruncated }).toEqual({ Parts: undefined, IsTruncated: false })
  })

  it('refuses uploads that there are not', async () => {
    expect(await refusal(list({ UploadId: '0'.repeat(32) }))).toBe('404 NoSuchUpload')
    expect(await refusal(list({ UploadId: '../..' }))).toBe('404 NoSuchUpload')
    expect(await refusal(list({ Key: 'other' }))).toBe('404 NoSuchUpload')
    expect(await refusal(list({ Bucket: 'no-such-bucket' }))).toBe('404 NoSuchBucket')
  })
})
