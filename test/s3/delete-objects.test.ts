import { createHash } from 'node:crypto'
import { DeleteObjectsCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ObjectHouse, refusal, startObjectHouse } from '../support/object-house.ts'
import { outcome, sendRaw } from '../support/raw-s3.ts'
import { keysOf } from '../support/s3.ts'

let test: ObjectHouse
beforeAll(async () => {
  test = await startObjectHouse()
})
afterAll(() => test[Symbol.asyncDispose]())

const remove = (keys: readonly string[], more: { Quiet?: boolean; Bucket?: string } = {}) =>
  test.s3.send(
    new DeleteObjectsCommand({
      Bucket: more.Bucket ?? test.bucket,
      Delete: { Objects: keys.map((Key) => ({ Key })), ...(more.Quiet === undefined ? {} : { Quiet: more.Quiet }) },
    }),
  )
const md5 = (body: string) => ({ 'content-md5': createHash('md5').update(body).digest('base64') })
const raw = (body: string, headers: Record<string, string> = md5(body)) =>
  sendRaw(test.s3Url, { method: 'POST', path: `/${test.bucket}`, query: { delete: '' }, body, headers })
const one = (inner: string) => `<Delete><Object>${inner}</Object></Delete>`

describe('DeleteObjects', () => {
  it('deletes what is there, says so for each, and for what is not there too', async () => {
    for (const key of ['a', 'b/c', 'kept']) await test.put(key, key)
    const { Deleted = [], Errors } = await remove(['a', 'b/c', 'never-was'])
    expect(Deleted.map(({ Key }) => Key)).toEqual(['a', 'b/c', 'never-was'])
    expect(Errors).toBeUndefined()
    expect(await keysOf(test.s3, test.bucket)).toEqual(['kept'])
  })

  it('says nothing of successes when quiet', async () => {
    await test.put('quiet', 'x')
    const { Deleted, Errors } = await remove(['quiet'], { Quiet: true })
    expect([Deleted, Errors]).toEqual([undefined, undefined])
    expect(await keysOf(test.s3, test.bucket)).not.toContain('quiet')
  })

  it('takes keys of every kind as they are', async () => {
    const keys = ['a&b<c>"\'', 'ünï/コ/😀', ' sp ace ', 'a//b', '..', '__proto__', 'tab\there', 'line\nbreak', '%2F']
    for (const key of keys) await test.put(key, 'x').catch(() => {})
    const stored = (await keysOf(test.s3, test.bucket)).filter((key) => keys.includes(key))
    expect(stored.length).toBeGreaterThan(5)
    const { Deleted = [] } = await remove(stored)
    expect(Deleted.map(({ Key }) => Key)).toEqual(stored)
    expect((await keysOf(test.s3, test.bucket)).filter((key) => keys.includes(key))).toEqual([])
  })

  it('takes 1000 keys, and not one more', async () => {
    const keys = Array.from({ length: 1000 }, (_, index) => `many-${index}`)
    for (const key of keys.slice(0, 5)) await test.put(key, 'x')
    const { Deleted = [] } = await remove(keys)
    expect(Deleted.length).toBe(1000)
    expect(await refusal(remove([...keys, 'one-more']))).toBe('400 MalformedXML')
  })

  it('names the keys that could not be deleted, and deletes the others', async () => {
    await test.put('with-etag', 'x')
    await test.put('without', 'x')
    const body = `<Delete><Object><Key>with-etag</Key><ETag>"0"</ETag></Object><Object><Key>without</Key></Object><Object><Key>versioned</Key><VersionId>abc</VersionId></Object></Delete>`
    const reply = await raw(body)
    expect(reply.status).toBe(200)
    const text = reply.body.toString()
    expect(text).toContain('<Deleted><Key>without</Key></Deleted>')
    expect(text).toMatch(
      /<Error><Key>with-etag<\/Key><Code>PreconditionFailed<\/Code><Message>[^<]+<\/Message><\/Error>/,
    )
    expect(text).toMatch(/<Error><Key>versioned<\/Key><VersionId>abc<\/VersionId><Code>NoSuchVersion<\/Code>/)
    const left = await keysOf(test.s3, test.bucket)
    expect(left).toContain('with-etag')
    expect(left).not.toContain('without')
  })

  it('deletes keys with characters that XML holds only as references', async () => {
    const names: [string, string][] = [
      ['c%01d', 'c&#x1;d'],
      ['g%EF%BF%BE', 'g&#xfffe;'],
      ['n%C2%85', 'n&#x85;'],
    ]
    for (const [key] of names) expect((await test.raw({ method: 'PUT', key, body: 'x' })).status).toBe(200)
    const objects = names.map(([, key]) => `<Object><Key>${key}</Key></Object>`).join('')
    const reply = await raw(`<Delete>${objects}</Delete>`)
    expect(reply.body.toString()).not.toContain('<Error>')
    for (const [key] of names) expect((await test.raw({ method: 'GET', key })).status).toBe(404)
  })

  it('deletes under the condition of an ETag, quoted or not', async () => {
    for (const quote of ['"', '']) {
      const { ETag = '' } = await test.put('conditional', 'x')
      const etag = ETag.replaceAll('"', quote)
      const reply = await raw(one(`<Key>conditional</Key><ETag>${etag.replaceAll('"', '&quot;')}</ETag>`))
      expect(reply.body.toString()).toContain('<Deleted><Key>conditional</Key></Deleted>')
    }
  })

  it('takes the null version', async () => {
    await test.put('null-version', 'x')
    const reply = await raw(one('<Key>null-version</Key><VersionId>null</VersionId>'))
    expect(reply.body.toString()).toContain('<Deleted><Key>null-version</Key><VersionId>null</VersionId></Deleted>')
    expect(await keysOf(test.s3, test.bucket)).not.toContain('null-version')
  })

  it('answers a key that is too long for its own, whatever the others are', async () => {
    await test.put('beside', 'x')
    const long = 'k'.repeat(1025)
    const reply = await raw(`<Delete><Object><Key>${long}</Key></Object><Object><Key>beside</Key></Object></Delete>`)
    expect(reply.status).toBe(200)
    expect(reply.body.toString()).toContain(`<Error><Key>${long}</Key><Code>KeyTooLongError</Code>`)
    expect(reply.body.toString()).toContain('<Deleted><Key>beside</Key></Deleted>')
    const huge = await raw(one(`<Key>${'é'.repeat(50_000)}</Key>`))
    expect(huge.body.toString()).toContain('<Code>KeyTooLongError</Code>')
  })

  it('insists on a digest of the list', async () => {
    expect(outcome(await raw(one('<Key>k</Key>'), {}))).toBe('400 InvalidRequest')
    expect(outcome(await raw(one('<Key>k</Key>'), md5('something else')))).toBe('400 BadDigest')
    const sum = { 'x-amz-checksum-sha256': createHash('sha256').update(one('<Key>k</Key>')).digest('base64') }
    expect(outcome(await raw(one('<Key>k</Key>'), sum))).toBe('200')
  })

  it.each([
    '',
    '<Delete/>',
    '<Delete><Object/></Delete>',
    '<Delete><Object><Key></Key></Object></Delete>',
    '<Delete><Object><Key>a</Key><Key>b</Key></Object></Delete>',
    '<Remove><Object><Key>a</Key></Object></Remove>',
    '<Delete><Object><Key>a</Key></Object>',
    '<Delete><Object><Key>a&undefined;</Key></Object></Delete>',
    '<Delete><Object><Key>a&#0;</Key></Object></Delete>',
    '<Delete><Object><Key>a&#xD800;</Key></Object></Delete>',
    '<!DOCTYPE d [<!ENTITY e "x">]><Delete><Object><Key>&e;</Key></Object></Delete>',
  ])('refuses %j', async (body) => {
    expect(outcome(await raw(body))).toMatch(/^400 (MalformedXML|MissingRequestBodyError)$/)
  })

  it('refuses a list of more than 4 MiB before it has read it', async () => {
    const body = `<Delete>${' '.repeat(5 * 1024 * 1024)}</Delete>`
    expect(outcome(await raw(body))).toBe('400 MaxMessageLengthExceeded')
  })

  it('answers 404 for a bucket that is not there', async () => {
    expect(await refusal(remove(['k'], { Bucket: 'nowhere' }))).toBe('404 NoSuchBucket')
  })
})
