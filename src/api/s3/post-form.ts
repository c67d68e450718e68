import type { Readable } from 'node:stream'
import busboy, { type Busboy } from 'busboy'
import { collect, readBytes } from '../../base/streams.ts'
import { S3Error } from './error-codes.ts'
import type { S3Request } from './request.ts'

export interface PostFormFile {
  /** Without directories; '' when the part has none. */
  readonly filename: string
  readonly contentType: string
  /**
   * To be iterated once. Ends only after the closing boundary of the form arrived, so what was read is complete then;
   * throws MalformedPOSTRequest or IncompleteBody otherwise.
   */
  readonly stream: AsyncIterable<Buffer>
}

/** A browser's form upload, read up to its file. What follows the file is ignored, as in S3. */
export interface PostForm {
  /** Lower-case names. */
  readonly fields: ReadonlyMap<string, string>
  readonly file: PostFormFile
  /** Stops reading. Needed when the file will not be iterated to its end; harmless otherwise. */
  readonly close: () => void
}

/** S3 takes 20 KB before the file. */
const MAX_FIELDS_BYTES = 20 * 1024
const MAX_TEXT_FILE_BYTES = 1024 * 1024
const MAX_PARTS = 200
const MAX_CONTENT_TYPE_CHARACTERS = 512
/** Nobody knows yet who sends the form: the fields hold the signature. */
const FIELDS_TIMEOUT_MS = 30_000

/**
 * Reads the fields of a multipart/form-data body until its part named `file`. Throws RequestIsNotMultiPartContent,
 * MalformedPOSTRequest, MaxPostPreDataLengthExceededError, IncorrectNumberOfFilesInPostRequest, RequestTimeout.
 */
export function readPostForm(
  request: S3Request,
  raw: AsyncIterable<Buffer>,
  { fieldsTimeoutMs = FIELDS_TIMEOUT_MS } = {},
): Promise<PostForm> {
  const parser = createParser(request)
  const form = Promise.withResolvers<PostForm>()
  const end = Promise.withResolvers<void>()
  const fields = new Map<string, string>()
  const pending: Promise<void>[] = []
  let fieldsBytes = 0
  let fileSeen = false

  const fail = (error: unknown): void => {
    const known = error instanceof S3Error ? error : new S3Error('MalformedPOSTRequest', undefined, { cause: error })
    form.reject(known)
    end.reject(known)
    parser.destroy()
  }
  const addField = (name: string | undefined, value: string): void => {
    fieldsBytes += Buffer.byteLength(value) + (name?.length ?? 0)
    if (fieldsBytes > MAX_FIELDS_BYTES) throw new S3Error('MaxPostPreDataLengthExceededError')
    const key = name?.toLowerCase()
    if (!key || fields.has(key) || isDamaged(value)) throw new S3Error('MalformedPOSTRequest')
    fields.set(key, value)
  }
  const startFile = (file: PostFormFile): void => {
    fileSeen = true
    Promise.all(pending).then(() => form.resolve({ fields, file, close: () => parser.destroy() }), fail)
  }

  parser.on('field', (name: string | undefined, value, { valueTruncated, mimeType }) => {
    if (fileSeen) return
    try {
      if (valueTruncated) throw new S3Error('MaxPostPreDataLengthExceededError')
      if (isFile(name)) startFile(typedFile(value, mimeType, end.promise))
      else addField(name, value)
    } catch (error) {
      fail(error)
    }
  })
  parser.on('file', (name: string | undefined, stream, { filename, mimeType }) => {
    stream.on('error', fail)
    if (fileSeen) stream.resume()
    else if (isFile(name)) {
      startFile({
        filename: filename ?? '',
        contentType: mimeType,
        stream: fileBytes(stream, end.promise, parser),
      })
    } else {
      // Some clients give every field a file name.
      pending.push(readField(stream).then((value) => addField(name, value)))
      pending.at(-1)?.catch(fail)
    }
  })
  parser.on('partsLimit', () => fail(new S3Error('MalformedPOSTRequest')))
  parser.on('error', fail)
  parser.on('close', () => {
    if (fileSeen && parser.writableFinished) end.resolve()
    else fail(new S3Error(parser.writableFinished ? 'IncorrectNumberOfFilesInPostRequest' : 'MalformedPOSTRequest'))
  })
  // Whoever iterates the file hears of it; before that the promise of the form says it.
  end.promise.catch(() => {})
  feed(parser, raw).catch(fail)
  const timer = setTimeout(() => fail(new S3Error('RequestTimeout')), fieldsTimeoutMs)
  return form.promise.finally(() => clearTimeout(timer))
}

const isFile = (name: string | undefined): boolean => name?.toLowerCase() === 'file'

/** The parser puts U+FFFD where bytes are not UTF-8; storing that would be storing something else. */
const isDamaged = (value: string): boolean => value.includes('\ufffd')

function createParser({ headers }: S3Request): Busboy {
  const contentType = headers.get('content-type') ?? ''
  if (!/^multipart\/form-data\s*;/i.test(contentType)) throw new S3Error('RequestIsNotMultiPartContent')
  if (contentType.length > MAX_CONTENT_TYPE_CHARACTERS) throw new S3Error('MalformedPOSTRequest')
  try {
    return busboy({
      headers: { 'content-type': contentType },
      defParamCharset: 'utf8',
      limits: { parts: MAX_PARTS, fieldSize: MAX_TEXT_FILE_BYTES },
    })
  } catch (cause) {
    throw new S3Error('MalformedPOSTRequest', undefined, { cause })
  }
}

async function readField(stream: Readable): Promise<string> {
  try {
    return (await collect(readBytes(stream), MAX_FIELDS_BYTES)).toString('utf8')
  } catch (cause) {
    throw new S3Error('MaxPostPreDataLengthExceededError', undefined, { cause })
  }
}

/** A file that was typed into a text field. */
function typedFile(value: string, contentType: string, end: Promise<void>): PostFormFile {
  if (isDamaged(value)) throw new S3Error('MalformedPOSTRequest', 'The file needs a filename to hold other than text.')
  async function* bytes(): AsyncGenerator<Buffer> {
    if (value !== '') yield Buffer.from(value)
    await end
  }
  return { filename: '', contentType, stream: bytes() }
}

async function* fileBytes(stream: Readable, end: Promise<void>, parser: Busboy): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of readBytes(stream)) yield chunk
  } catch (error) {
    // The form failed as a whole, which says more than its part does.
    await end
    throw error
  } finally {
    if (!stream.readableEnded) parser.destroy()
  }
  await end
}

async function feed(parser: Busboy, raw: AsyncIterable<Buffer>): Promise<void> {
  for await (const chunk of raw) {
    if (parser.destroyed) return
    if (!parser.write(chunk) && !parser.destroyed) await drained(parser)
  }
  if (!parser.destroyed) parser.end()
}

function drained(parser: Busboy): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      parser.off('drain', done)
      parser.off('close', done)
      resolve()
    }
    parser.on('drain', done)
    parser.on('close', done)
  })
}
