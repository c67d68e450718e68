import { Readable } from 'node:stream'
import type { S3Client } from '@aws-sdk/client-s3'
import type { DeclaredTarget, TargetCredentials } from './declared-targets.ts'

type Sdk = typeof import('@aws-sdk/client-s3')

/** The client of an endpoint, and its commands. Loaded by whoever replicates: it takes memory, and a second to load. */
export interface TargetClient {
  readonly sdk: Sdk
  readonly client: S3Client
}

export interface TargetLimits {
  readonly connectMs: number
  /** Without anything that comes or goes. */
  readonly idleMs: number
  /** Of all that is done for one version; beside it there is time for what is sent. */
  readonly answerMs: number
  /** What is slower is given up. */
  readonly bytesPerSecond: number
}

export const DEFAULT_LIMITS: TargetLimits = {
  ...{ connectMs: 10_000, idleMs: 60_000, answerMs: 900_000, bytesPerSecond: 64 * 1024 },
}

const silent = (): void => {}

export async function openTargetClient(
  { endpoint, region }: DeclaredTarget,
  { accessKeyId, secretAccessKey }: TargetCredentials,
  { connectMs, idleMs }: Pick<TargetLimits, 'connectMs' | 'idleMs'>,
): Promise<TargetClient> {
  const sdk = await import('@aws-sdk/client-s3')
  const agent = { keepAlive: true, maxSockets: Number.POSITIVE_INFINITY }
  const client = new sdk.S3Client({
    ...{ endpoint, region, forcePathStyle: true },
    credentials: { accessKeyId, secretAccessKey: secretAccessKey.reveal() },
    // It would write to the console; what goes wrong is told of by who replicates.
    logger: { trace: silent, debug: silent, info: silent, warn: silent, error: silent },
    // What is streamed can't be sent again by the client.
    maxAttempts: 1,
    requestHandler: {
      ...{ connectionTimeout: connectMs, socketTimeout: idleMs },
      // How much is sent at once is the outbox's to say: here it would wait behind what hangs, for whichever bucket.
      ...(endpoint.startsWith('https:') ? { httpsAgent: agent } : { httpAgent: agent }),
    },
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  })
  client.middlewareStack.add(onTheWire, { step: 'deserialize', priority: 'low', name: 'onTheWire' })
  return { sdk, client }
}

export const FURTHER_HEADERS = { step: 'build', name: 'furtherHeaders' } as const

/** For the stack of a command: sends further headers with it, signed like its own. */
export const furtherHeaders =
  (headers: Readonly<Record<string, string>>) =>
  <Args extends { readonly request: unknown }, Answer>(next: (args: Args) => Promise<Answer>) =>
  (args: Args): Promise<Answer> => {
    const { request } = args
    if (typeof request === 'object' && request !== null && 'headers' in request) {
      Object.assign(request.headers ?? {}, headers)
    }
    return next(args)
  }

/** More than any of the answers that are asked for. */
const MAX_ANSWER_BYTES = 1024 * 1024

/** Around the exchange itself: what was signed as UTF-8 goes as UTF-8, and an answer has an end. */
const onTheWire =
  <Args extends { readonly request: unknown }, Answer extends { readonly response: unknown }>(
    next: (args: Args) => Promise<Answer>,
  ) =>
  async (args: Args): Promise<Answer> => {
    headersInBytes(args.request)
    const answer = await next(args)
    const { response } = answer
    if (typeof response === 'object' && response !== null && 'body' in response && response.body instanceof Readable) {
      response.body = await wholeOf(response.body)
    }
    return answer
  }

/** Node sends one byte for each character. */
function headersInBytes(request: unknown): void {
  if (typeof request !== 'object' || request === null || !('headers' in request)) return
  const { headers } = request
  if (typeof headers !== 'object' || headers === null) return
  for (const [name, value] of Object.entries(headers)) {
    if (typeof value === 'string') Object.assign(headers, { [name]: Buffer.from(value, 'utf8').toString('latin1') })
  }
}

async function wholeOf(body: Readable): Promise<Buffer> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of body) {
    const piece = Buffer.from(chunk)
    bytes += piece.length
    if (bytes > MAX_ANSWER_BYTES) throw new Error('the replication target does not end its answer')
    chunks.push(piece)
  }
  return Buffer.concat(chunks)
}
