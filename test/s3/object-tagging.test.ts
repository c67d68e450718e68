import {
  CopyObjectCommand,
  type CopyObjectCommandInput,
  DeleteObjectTaggingCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  PutObjectTaggingCommand,
  type Tag,
} from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { filesUnder } from '../support/files-under.ts'
import { complete, createUpload, sendPart } from '../support/multipart.ts'
import { type ObjectHouse, refusal, startObjectHouse } from '../support/object-house.ts'
import { outcome, type RawS3Reply } from '../support/raw-s3.ts'

let test: ObjectHouse
beforeAll(async () => {
  test = await startObjectHouse()
})
afterAll(() => test[Symbol.asyncDispose]())

const TAGS: Tag[] = [
  { Key: 'class', Value: 'secret-papers-of-tag' },
  { Key: 'größe +-=._:/@', Value: '' },
]
const at = (Key: string) => ({ Bucket: test.bucket, Key })
const putTags = (key: string, TagSet: Tag[]) =>
  test.s3.send(new PutObjectTaggingCommand({ ...at(key), Tagging: { TagSet } }))
const tagsOf = async (key: string) => (await test.s3.send(new GetObjectTaggingCommand(at(key)))).TagSet
const countOf = async (key: string) => (await test.s3.send(new HeadObjectCommand(at(key)))).TagCount
const copy = (source: string, key: string, more: Partial<CopyObjectCommandInput> = {}) =>
  test.s3.send(new CopyObjectCommand({ ...at(key), CopySource: `${test.bucket}/${source}`, ...more }))
const sendTags = (document: string): Promise<RawS3Reply> =>
  test.raw({ method: 'PUT', key: 'refused', query: { tagging: '' }, body: document })
const documentOf = (tags: readonly (readonly [string, string])[]) =>
  `<Tagging><TagSet>${tags.map(([key, value]) => `<Tag><Key>${key}</Key><Value>${value}</Value></Tag>`).join('')}</TagSet></Tagging>`
const numbered = (count: number): [string, string][] => Array.from({ length: count }, (_, n) => [`k${n}`, `${n}`])

describe('tags of an object', () => {
  it('are set, told, counted, replaced and removed, and nothing else changes', async () => {
    await test.put('object', 'bytes', { Metadata: { a: 'b' } })
    const { LastModified, ETag } = await test.s3.send(new HeadObjectCommand(at('object')))
    expect(await tagsOf('object')).toEqual([])
    expect(await countOf('object')).toBeUndefined()
    await putTags('object', TAGS)
    expect(await tagsOf('object')).toEqual(TAGS)
    const got = await test.get('object')
    expect(got).toMatchObject({ LastModified, ETag, Metadata: { a: 'b' }, TagCount: 2 })
    expect(got.bytes.toString()).toBe('bytes')
    await putTags('object', [{ Key: 'other', Value: '1' }])
    expect(await tagsOf('object')).toEqual([{ Key: 'other', Value: '1' }])
    expect(await countOf('object')).toBe(1)
    const gone = await test.s3.send(new DeleteObjectTaggingCommand(at('object')))
    expect(gone.$metadata.httpStatusCode).toBe(204)
    expect(await tagsOf('object')).toEqual([])
    expect(await countOf('object')).toBeUndefined()
  })

  it('come in the order of their keys', async () => {
    await test.put('ordered', 'x', { Tagging: 'b=2&c&a=1' })
    const sorted = [
      { Key: 'a', Value: '1' },
      { Key: 'b', Value: '2' },
      { Key: 'c', Value: '' },
    ]
    expect(await tagsOf('ordered')).toEqual(sorted)
    await putTags('ordered', sorted.toReversed())
    expect(await tagsOf('ordered')).toEqual(sorted)
  })

  it('go with an upload, decoded once, and are gone with the next', async () => {
    await test.put('uploaded', 'x', { Tagging: 'a+key%2B=a%20value%3D&gr%C3%B6%C3%9Fe=a=b' })
    expect(await tagsOf('uploaded')).toEqual([
      { Key: 'a key+', Value: 'a value=' },
      { Key: 'größe', Value: 'a=b' },
    ])
    await test.put('uploaded', 'y')
    expect(await tagsOf('uploaded')).toEqual([])
  })

  it('go with an upload in parts', async () => {
    const uploadId = await createUpload(test, 'parts', { Tagging: 'Hello=World&foo=bar' })
    const part = await sendPart(test, 'parts', uploadId, 1, 'x')
    await complete(test, 'parts', uploadId, [part])
    expect(await tagsOf('parts')).toEqual([
      { Key: 'Hello', Value: 'World' },
      { Key: 'foo', Value: 'bar' },
    ])
    expect(await countOf('parts')).toBe(2)
  })

  it('are copied, or replaced, as the copy asks', async () => {
    await test.put('source', 'x', { Tagging: 'from=source' })
    await copy('source', 'copy', { Tagging: 'ignored=1' })
    expect(await tagsOf('copy')).toEqual([{ Key: 'from', Value: 'source' }])
    await copy('source', 'copy', { MetadataDirective: 'REPLACE' })
    expect(await tagsOf('copy')).toEqual([{ Key: 'from', Value: 'source' }])
    await copy('source', 'copy', { TaggingDirective: 'REPLACE', Tagging: 'new=1' })
    expect(await tagsOf('copy')).toEqual([{ Key: 'new', Value: '1' }])
    await copy('source', 'copy', { TaggingDirective: 'REPLACE' })
    expect(await tagsOf('copy')).toEqual([])
    const bad = copy('source', 'copy', { TaggingDirective: 'MERGE' as 'COPY' })
    expect(await refusal(bad)).toBe('400 InvalidArgument')
  })

  it('are nowhere on the disk in clear', async () => {
    await test.put('sealed', 'x', { Tagging: 'needle-key=needle-value' })
    await putTags('sealed', [...TAGS, { Key: 'needle-key', Value: 'needle-value' }])
    const uploadId = await createUpload(test, 'sealed upload', { Tagging: 'needle-key=needle-value' })
    expect(uploadId).not.toBe('')
    const files = await filesUnder(test.dataDir)
    expect(files.size).toBeGreaterThan(5)
    for (const [file, bytes] of files) {
      for (const needle of ['needle-', 'secret-papers-of-tag'])
        expect([file, bytes.includes(needle)]).toEqual([file, false])
    }
  })

  it('of what is not there are an error', async () => {
    expect(await refusal(tagsOf('missing'))).toBe('404 NoSuchKey')
    expect(await refusal(putTags('missing', TAGS))).toBe('404 NoSuchKey')
    expect(await refusal(test.s3.send(new DeleteObjectTaggingCommand(at('missing'))))).toBe('404 NoSuchKey')
    expect(await refusal(test.s3.send(new GetObjectTaggingCommand({ Bucket: 'nowhere', Key: 'k' })))).toBe(
      '404 NoSuchBucket',
    )
  })
})

describe('a document of tags', () => {
  it.each([
    ['11 tags', documentOf(numbered(11)), '400 InvalidTag', 'Object tags cannot be greater than 10'],
    ['a key of 129 characters', documentOf([['k'.repeat(129), '']]), '400 InvalidTag', 'TagKey you'],
    ['a value of 257 characters', documentOf([['k', 'v'.repeat(257)]]), '400 InvalidTag', 'TagValue you'],
    ['an empty key', documentOf([['', 'v']]), '400 InvalidTag', 'TagKey you'],
    ['a character that no tag has', documentOf([['k#', 'v']]), '400 InvalidTag', '<TagKey>k#</TagKey>'],
    ['a value that no tag has', documentOf([['k', 'v;']]), '400 InvalidTag', '<TagValue>v;</TagValue>'],
    [
      'a key twice',
      documentOf([
        ['k', '1'],
        ['k', '2'],
      ]),
      '400 InvalidTag',
      'multiple Tags with the same key',
    ],
    ['a tag of the system', documentOf([['aws:name', '1']]), '400 InvalidTag', 'System tags'],
    ['a tag without a value', '<Tagging><TagSet><Tag><Key>k</Key></Tag></TagSet></Tagging>', '400 MalformedXML', ''],
    ['a tag without a key', '<Tagging><TagSet><Tag><Value>v</Value></Tag></TagSet></Tagging>', '400 MalformedXML', ''],
    ['another element', '<Tagging><TagSet><Label/></TagSet></Tagging>', '400 MalformedXML', ''],
    ['no tag set', '<Tagging/>', '400 MalformedXML', ''],
    ['another document', '<TagSet/>', '400 MalformedXML', ''],
    ['nothing', '', '400 MalformedXML', ''],
  ])('with %s is refused', async (_what, document, expected, told) => {
    await test.put('refused', 'x', { Tagging: 'kept=1' })
    const reply = await sendTags(document)
    expect(outcome(reply)).toBe(expected)
    expect(reply.body.toString()).toContain(told)
    expect(await tagsOf('refused')).toEqual([{ Key: 'kept', Value: '1' }])
  })

  it('may hold 10 tags as long as they may be', async () => {
    await test.put('refused', 'x')
    const tags = numbered(10).map(([key]): [string, string] => [key.padEnd(128, 'ü'), 'v'.repeat(256)])
    expect(outcome(await sendTags(documentOf(tags)))).toBe('200')
    expect(await countOf('refused')).toBe(10)
  })
})

describe('the header x-amz-tagging', () => {
  const query = (tags: readonly (readonly [string, string])[]) =>
    new URLSearchParams(tags.map(([k, v]) => [k, v])).toString()
  it.each([
    ['11 tags', query(numbered(11)), '400 BadRequest'],
    ['a key twice', 'a=1&a=2', '400 InvalidArgument'],
    ['no key', '=1', '400 InvalidArgument'],
    ['an escape that is none', 'a=%zz', '400 InvalidArgument'],
    ['bytes that are not UTF-8', 'a=%ff', '400 InvalidArgument'],
    ['a key that is too long', `${'k'.repeat(129)}=1`, '400 InvalidTag'],
    ['a value that is too long', `k=${'v'.repeat(257)}`, '400 InvalidTag'],
    ['a character that no tag has', 'k=%3C', '400 InvalidTag'],
  ])('with %s is refused before a byte is stored', async (_what, tagging, expected) => {
    const headers = { 'x-amz-tagging': tagging }
    const before = await test.blobs()
    expect(outcome(await test.raw({ method: 'PUT', key: 'unmade', body: 'x', headers }))).toBe(expected)
    expect(outcome(await test.raw({ method: 'POST', key: 'unmade', query: { uploads: '' }, headers }))).toBe(expected)
    expect(await refusal(test.get('unmade'))).toBe('404 NoSuchKey')
    expect(await test.blobs()).toEqual(before)
  })
})
