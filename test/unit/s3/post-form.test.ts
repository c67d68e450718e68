import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type PostForm, readPostForm } from '../../../src/api/s3/post-form.ts'
import { codeOfAsync, rawRequest, readAll, split, streamOf } from './raw-request.ts'

interface Part {
  readonly name: string
  readonly filename?: string
  readonly type?: string
  readonly value: string | Buffer
}

const BOUNDARY = 'frontier'

function encode(parts: readonly Part[]): Buffer {
  const bytes = parts.flatMap(({ name, filename, type, value }) => [
    Buffer.from(
      `--${BOUNDARY}\r\nContent-Disposition: form-data; name="${name}"` +
        `${filename === undefined ? '' : `; filename="${filename}"`}\r\n` +
        `${type === undefined ? '' : `Content-Type: ${type}\r\n`}\r\n`,
    ),
    Buffer.from(value),
    Buffer.from('\r\n'),
  ])
  return Buffer.concat([...bytes, Buffer.from(`--${BOUNDARY}--\r\n`)])
}

const request = (contentType = `multipart/form-data; boundary=${BOUNDARY}`) =>
  rawRequest({ method: 'POST', target: '/bucket', headers: { 'content-type': contentType } })

const read = (body: Buffer, cuts: readonly number[] = []): Promise<PostForm> =>
  readPostForm(request(), streamOf(...split(body, cuts)))

const readWhole = async (body: Buffer, cuts: readonly number[] = []) => {
  const { fields, file } = await read(body, cuts)
  return { fields: Object.fromEntries(fields), filename: file.filename, bytes: await readAll(file.stream) }
}

const FILE = { name: 'file', filename: 'a.png', type: 'image/png', value: Buffer.from([0, 255, 13, 10, 45, 45]) }

describe('a form', () => {
  it('gives its fields in lower case and its file', async () => {
    const body = encode([
      { name: 'Key', value: 'a/é' },
      { name: 'x-amz-Meta-A', value: '' },
      FILE,
      { name: 'later', value: 'x' },
    ])
    const form = await read(body)
    expect([...form.fields]).toEqual([
      ['key', 'a/é'],
      ['x-amz-meta-a', ''],
    ])
    expect(form.file).toMatchObject({ filename: 'a.png', contentType: 'image/png' })
    expect(await readAll(form.file.stream)).toEqual(FILE.value)
  })

  it('whose fields take too long is refused, also when they come on and on', async () => {
    async function* drops(): AsyncGenerator<Buffer> {
      yield Buffer.from(`--${BOUNDARY}\r\nContent-Disposition: form-data; name="key"\r\n\r\n`)
      for (let sent = 0; sent < 1000; sent++) {
        await new Promise((resolve) => void setTimeout(resolve, 5))
        yield Buffer.from('a')
      }
    }
    const form = () => readPostForm(request(), drops(), { fieldsTimeoutMs: 50 })
    expect(await codeOfAsync(form)).toBe('RequestTimeout')
  })

  it('may give every field a file name, and the file none', async () => {
    const named = encode([
      { name: 'key', filename: 'key', value: 'k' },
      { name: 'acl', filename: 'acl', value: 'private' },
      FILE,
    ])
    expect(await readWhole(named)).toEqual({
      fields: { key: 'k', acl: 'private' },
      filename: 'a.png',
      bytes: FILE.value,
    })
    const typed = encode([
      { name: 'key', value: 'k' },
      { name: 'file', value: 'text' },
    ])
    expect(await readWhole(typed)).toEqual({ fields: { key: 'k' }, filename: '', bytes: Buffer.from('text') })
  })

  it('drops the directories of a file name', async () => {
    for (const filename of ['../../etc/cat.png', 'C:\\\\pictures\\\\cat.png']) {
      expect((await readWhole(encode([{ ...FILE, filename }]))).filename).toBe('cat.png')
    }
  })

  it('reads the same however the bytes arrive', async () => {
    const value = fc.uint8Array({ maxLength: 3000 }).map((bytes) => Buffer.from(bytes))
    await fc.assert(
      fc.asyncProperty(value, fc.array(fc.nat(), { maxLength: 10 }), async (bytes, cuts) => {
        const body = encode([
          { name: 'key', value: 'k' },
          { name: 'acl', filename: 'acl', value: 'private' },
          { ...FILE, value: bytes },
        ])
        const form = await readWhole(body, cuts)
        expect(form).toEqual({ fields: { key: 'k', acl: 'private' }, filename: 'a.png', bytes })
      }),
      { numRuns: 60 },
    )
  })

  it('streams a file of many megabytes without holding it', async () => {
    let sent = 0
    let seen = 0
    let ahead = 0
    async function* body(): AsyncGenerator<Buffer> {
      const [start = '', end = ''] = encode([{ ...FILE, value: '|' }])
        .toString('latin1')
        .split('|')
      yield Buffer.from(start)
      for (let round = 0; round < 200; round++) {
        sent += 65536
        yield Buffer.alloc(65536, 'x')
      }
      yield Buffer.from(end)
    }
    const { file } = await readPostForm(request(), body())
    for await (const chunk of file.stream) {
      seen += chunk.length
      ahead = Math.max(ahead, sent - seen)
      await new Promise(setImmediate)
    }
    expect(seen).toBe(200 * 65536)
    expect(ahead).toBeLessThan(2 * 1024 * 1024)
  })
})

describe('a form is refused', () => {
  it('when it is cut anywhere', async () => {
    const body = encode([{ name: 'key', value: 'k' }, FILE])
    for (let length = 0; length < body.length - 4; length++) {
      expect(await codeOfAsync(() => readWhole(body.subarray(0, length))), `cut at ${length}`).toBe(
        'MalformedPOSTRequest',
      )
    }
  })

  it.each([
    ['without a file', [{ name: 'key', value: 'k' }], 'IncorrectNumberOfFilesInPostRequest'],
    ['with a field twice', [{ name: 'key', value: 'a' }, { name: 'KEY', value: 'b' }, FILE], 'MalformedPOSTRequest'],
    ['with a field without a name', [{ name: '', value: 'a' }, FILE], 'MalformedPOSTRequest'],
    ['with 20 KB of fields', [{ name: 'key', value: 'a'.repeat(20_500) }, FILE], 'MaxPostPreDataLengthExceededError'],
    [
      'with a named field of 20 KB',
      [{ name: 'key', filename: 'k', value: 'a'.repeat(20_500) }, FILE],
      'MaxPostPreDataLengthExceededError',
    ],
    ['with a field that is not UTF-8', [{ name: 'key', value: Buffer.from([0xff]) }, FILE], 'MalformedPOSTRequest'],
    [
      'with too many fields',
      Array.from({ length: 300 }, (_, n) => ({ name: `f${n}`, value: '' })),
      'MalformedPOSTRequest',
    ],
    ['with a binary file without a name', [{ name: 'file', value: Buffer.from([0xff]) }], 'MalformedPOSTRequest'],
  ] as [string, Part[], string][])('%s', async (_what, parts, code) => {
    expect(await codeOfAsync(() => readWhole(encode(parts)))).toBe(code)
  })

  it.each([
    ['application/x-www-form-urlencoded', 'RequestIsNotMultiPartContent'],
    ['', 'RequestIsNotMultiPartContent'],
    ['multipart/form-data', 'RequestIsNotMultiPartContent'],
    ['multipart/form-data; charset=utf-8', 'MalformedPOSTRequest'],
    [`multipart/form-data; boundary=${'a'.repeat(600)}`, 'MalformedPOSTRequest'],
  ])('as %s', async (contentType, code) => {
    expect(await codeOfAsync(async () => readPostForm(request(contentType), streamOf('')))).toBe(code)
  })

  it('when reading it fails, before and within the file', async () => {
    const body = encode([
      { name: 'key', value: 'k' },
      { ...FILE, value: 'x'.repeat(5000) },
    ])
    async function* broken(length: number): AsyncGenerator<Buffer> {
      yield body.subarray(0, length)
      await new Promise(setImmediate)
      throw new Error('reset')
    }
    await expect(readPostForm(request(), broken(20))).rejects.toMatchObject({ code: 'MalformedPOSTRequest' })
    const { file } = await readPostForm(request(), broken(2000))
    await expect(readAll(file.stream)).rejects.toMatchObject({ code: 'MalformedPOSTRequest' })
  })

  it('or left alone, without harm', async () => {
    const body = encode([{ ...FILE, value: 'x'.repeat(500_000) }])
    const form = await read(body, [1000, 200_000])
    form.close()
    form.close()
    const other = await read(body, [1000, 200_000])
    for await (const chunk of other.file.stream) {
      expect(chunk.length).toBeGreaterThan(0)
      break
    }
    await new Promise((resolve) => setTimeout(resolve, 10))
  })

  it('with an S3 error, whatever the bytes', async () => {
    const piece = fc.oneof(
      fc.uint8Array({ maxLength: 30 }).map((bytes) => Buffer.from(bytes)),
      fc.constantFrom(
        `--${BOUNDARY}`,
        '--',
        '\r\n',
        '\r\n\r\n',
        'Content-Disposition: form-data; name="file"',
        '; filename="a"',
        'Content-Type: a/b',
      ),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 20 }), async (pieces) => {
        const body = Buffer.concat(pieces.map((one) => Buffer.from(one)))
        expect(['none', 'MalformedPOSTRequest', 'IncorrectNumberOfFilesInPostRequest']).toContain(
          await codeOfAsync(() => readWhole(body)),
        )
      }),
      { numRuns: 300 },
    )
  })
})
