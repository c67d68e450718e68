import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { DeleteObjectCommand, GetObjectCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { contentBytes } from '../support/content.ts'
import { uploadInParts } from '../support/multipart.ts'
import { type ObjectHouse, refusal, startObjectHouse } from '../support/object-house.ts'
import { outcome, sendRaw, signRaw, startRaw } from '../support/raw-s3.ts'

let test: ObjectHouse
beforeAll(async () => {
  test = await startObjectHouse()
})
afterAll(() => test[Symbol.asyncDispose]())

describe('GetObject', () => {
  it('answers with the headers of an object', async () => {
    await test.put('plain', 'hello', { ContentType: 'text/plain' })
    const { status, headers, body } = await test.raw({ method: 'GET', key: 'plain' })
    expect(status).toBe(200)
    expect(body.toString()).toBe('hello')
    expect(headers).toMatchObject({
      'accept-ranges': 'bytes',
      'content-length': '5',
      'content-type': 'text/plain',
      etag: '"5d41402abc4b2a76b9719d911017c592"',
      'x-amz-server-side-encryption': 'AES256',
    })
    expect(headers['content-range']).toBeUndefined()
    expect(headers['last-modified']).toMatch(/^\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT$/)
    expect(headers['x-amz-request-id']).toBeTruthy()
  })

  it('names what is missing', async () => {
    const missing = await test.raw({ method: 'GET', key: 'missing' })
    expect(outcome(missing)).toBe('404 NoSuchKey')
    expect(missing.body.toString()).toContain('<Key>missing</Key>')
    const nowhere = await sendRaw(test.s3Url, { method: 'GET', path: '/no-such-bucket/key' })
    expect(outcome(nowhere)).toBe('404 NoSuchBucket')
    expect(nowhere.body.toString()).toContain('<BucketName>no-such-bucket</BucketName>')
  })

  it('knows the version null and no other', async () => {
    await test.put('version', 'x')
    expect((await test.get('version', { VersionId: 'null' })).bytes.toString()).toBe('x')
    const versionId = `AZaz09._-${'x'.repeat(23)}`
    const unknown = await test.raw({ method: 'GET', key: 'version', query: { versionId } })
    expect(outcome(unknown)).toBe('404 NoSuchVersion')
    expect(unknown.body.toString()).toContain(`<Key>version</Key><VersionId>${versionId}</VersionId>`)
  })

  it.each(['', 'other', 'NULL', 'x'.repeat(31), 'x'.repeat(33), `${'x'.repeat(31)}/`, ' null'])(
    'refuses %j, which is no version id',
    async (versionId) => {
      await test.put('version', 'x')
      const reply = await test.raw({ method: 'GET', key: 'version', query: { versionId } })
      expect(outcome(reply)).toBe('400 InvalidArgument')
      expect(reply.body.toString()).toContain(
        `<ArgumentName>versionId</ArgumentName><ArgumentValue>${versionId}</ArgumentValue>`,
      )
    },
  )

  it('refuses a customer key that is not whole', async () => {
    await test.put('sse-c', 'x')
    const headers = { 'x-amz-server-side-encryption-customer-algorithm': 'AES256' }
    expect(outcome(await test.raw({ method: 'GET', key: 'sse-c', headers }))).toBe('400 InvalidArgument')
  })

  describe('by part number', () => {
    const parts = [
      contentBytes('part 1', 5 * 1024 * 1024),
      contentBytes('part 2', 5 * 1024 * 1024 + 77),
      contentBytes('part 3', 3),
    ]
    beforeAll(async () => {
      // Numbers with gaps: a read counts the parts as they stand in the object.
      await uploadInParts(test, 'parts', parts, { numbers: [2, 5, 9] })
    })

    it.each([1, 2, 3])('gives part %i with its place in the object', async (number) => {
      const { bytes, ContentRange, PartsCount, ContentLength, $metadata } = await test.get('parts', {
        PartNumber: number,
      })
      const start = parts.slice(0, number - 1).reduce((sum, { length }) => sum + length, 0)
      const part = parts[number - 1] ?? Buffer.alloc(0)
      expect(bytes.equals(part)).toBe(true)
      expect($metadata.httpStatusCode).toBe(206)
      expect({ PartsCount, ContentLength }).toEqual({ PartsCount: 3, ContentLength: part.length })
      expect(ContentRange).toBe(`bytes ${start}-${start + part.length - 1}/${Buffer.concat(parts).length}`)
    })

    it('refuses numbers that the object does not have', async () => {
      expect(await refusal(test.get('parts', { PartNumber: 4 }))).toBe('416 InvalidPartNumber')
      expect(await refusal(test.get('parts', { PartNumber: 0 }))).toBe('400 InvalidArgument')
      expect(await refusal(test.get('parts', { PartNumber: 10_001 }))).toBe('400 InvalidArgument')
      expect(outcome(await test.raw({ method: 'GET', key: 'parts', query: { partNumber: 'one' } }))).toBe(
        '400 InvalidArgument',
      )
    })

    it('refuses a range of a part', async () => {
      expect(await refusal(test.get('parts', { PartNumber: 1, Range: 'bytes=0-1' }))).toBe('400 InvalidRequest')
    })

    it('has one part in a plain object, and does not call it one of several', async () => {
      await test.put('whole', 'whole')
      const { bytes, PartsCount } = await test.get('whole', { PartNumber: 1 })
      expect({ body: bytes.toString(), PartsCount }).toEqual({ body: 'whole', PartsCount: undefined })
      expect(await refusal(test.get('whole', { PartNumber: 2 }))).toBe('416 InvalidPartNumber')
    })
  })

  describe('while the object goes away', () => {
    /** A download of which the first bytes were read, and no more. */
    async function halfRead(key: string): Promise<IncomingMessage> {
      const outgoing = startRaw(test.s3Url, signRaw(test.s3Url, { method: 'GET', path: `/${test.bucket}/${key}` }))
      outgoing.end()
      const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage]
      await once(incoming, 'readable')
      return incoming
    }

    const body = contentBytes('long download', 24 * 1024 * 1024)

    it.each(['deleted', 'replaced'])('reads an object to its end that is %s meanwhile', async (fate) => {
      await test.put(fate, body)
      const before = await test.blobs()
      const incoming = await halfRead(fate)
      if (fate === 'deleted') await test.s3.send(new DeleteObjectCommand({ Bucket: test.bucket, Key: fate }))
      else await test.put(fate, 'new')
      // Its bytes stay for as long as somebody reads them…
      expect(await test.blobs()).toEqual(expect.arrayContaining(before))
      const chunks: Buffer[] = []
      for await (const chunk of incoming) chunks.push(chunk)
      expect(Buffer.concat(chunks).equals(body)).toBe(true)
      // …and go when nobody does.
      await expect
        .poll(async () => (await test.blobs()).filter((id) => before.includes(id)).length)
        .toBe(before.length - 1)
    })

    it('lets go of everything when the client leaves half-way', async () => {
      const before = await test.blobs()
      await test.put('abandoned', body)
      const own = (await test.blobs()).find((id) => id.includes('/f/') && !before.includes(id))
      const incoming = await halfRead('abandoned')
      await test.s3.send(new DeleteObjectCommand({ Bucket: test.bucket, Key: 'abandoned' }))
      expect(await test.blobs()).toContain(own)
      incoming.destroy()
      await expect.poll(() => test.blobs()).not.toContain(own)
    })
  })

  it('reads one of the bodies, whole, while others write and delete the key', async () => {
    const bodies = ['a', 'b', 'c'].map((letter, index) => Buffer.alloc(70_000 + index * 100_000, letter))
    await test.put('busy', bodies[0] ?? '')
    let writing = true
    const write = async (): Promise<void> => {
      for (let round = 0; round < 24; round++) {
        if (round % 6 === 5) await test.s3.send(new DeleteObjectCommand({ Bucket: test.bucket, Key: 'busy' }))
        else await test.put('busy', bodies[round % 3] ?? '')
      }
    }
    const outcomes = new Set<string>()
    const read = async (): Promise<void> => {
      while (writing) {
        try {
          const reply = await test.s3.send(new GetObjectCommand({ Bucket: test.bucket, Key: 'busy' }))
          const bytes = Buffer.from((await reply.Body?.transformToByteArray()) ?? [])
          outcomes.add(bodies.some((body) => body.equals(bytes)) ? 'whole' : 'torn')
        } catch (error) {
          outcomes.add(error instanceof Error ? error.name : 'thrown')
        }
      }
    }
    const readers = [read(), read(), read()]
    await Promise.all([write(), write()])
    writing = false
    await Promise.all(readers)
    expect([...outcomes].filter((outcome) => outcome !== 'whole' && outcome !== 'NoSuchKey')).toEqual([])
  })
})
