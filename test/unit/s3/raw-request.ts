import { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import { expect } from 'vitest'
import { S3Error, type S3ErrorCode } from '../../../src/api/s3/error-codes.ts'
import { readRequest } from '../../../src/api/s3/read-request.ts'
import type { S3Request } from '../../../src/api/s3/request.ts'

export interface RawRequest {
  readonly method?: string
  readonly target: string
  /** Pairs keep order and repetition; an object is enough elsewhere. */
  readonly headers?: Readonly<Record<string, string>> | readonly (readonly [string, string])[]
  readonly domains?: readonly string[]
}

/** A request as Node's parser would have handed it over. */
export function rawRequest({ method = 'GET', target, headers = {}, domains = [] }: RawRequest): S3Request {
  const incoming = new IncomingMessage(new Socket())
  incoming.method = method
  incoming.url = target
  const pairs = Array.isArray(headers) ? headers : Object.entries(headers)
  incoming.rawHeaders = pairs.flat()
  return readRequest(incoming, { id: 'test', domains, secure: false })
}

export function codeOf(action: () => unknown): S3ErrorCode | 'none' {
  try {
    action()
    return 'none'
  } catch (error) {
    expect(error).toBeInstanceOf(S3Error)
    if (error instanceof S3Error) return error.code
    throw error
  }
}

export async function codeOfAsync(action: () => Promise<unknown>): Promise<S3ErrorCode | 'none'> {
  try {
    await action()
    return 'none'
  } catch (error) {
    expect(error).toBeInstanceOf(S3Error)
    if (error instanceof S3Error) return error.code
    throw error
  }
}

export async function* streamOf(...chunks: readonly (Buffer | string)[]): AsyncGenerator<Buffer> {
  for (const chunk of chunks) yield Buffer.from(chunk)
}

/** Cuts `bytes` at the given positions (taken modulo its length). */
export function split(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const places = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b)
  return [0, ...places].map((from, index) => bytes.subarray(from, places[index] ?? bytes.length))
}

export async function readAll(stream: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(chunk)
  return Buffer.concat(chunks)
}
