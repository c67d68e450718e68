import type { S3Client } from '@aws-sdk/client-s3'
import type { DeclaredTarget, TargetCredentials } from './declared-targets.ts'

type Sdk = typeof import('@aws-sdk/client-s3')

/** The client of an endpoint, and its commands. Loaded by whoever replicates: it takes memory, and a second to load. */
export interface TargetClient {
  readonly sdk: Sdk
  readonly client: S3Client
}

const silent = (): void => {}

export async function openTargetClient(
  { endpoint, region }: DeclaredTarget,
  { accessKeyId, secretAccessKey }: TargetCredentials,
): Promise<TargetClient> {
  const sdk = await import('@aws-sdk/client-s3')
  const client = new sdk.S3Client({
    ...{ endpoint, region, forcePathStyle: true },
    credentials: { accessKeyId, secretAccessKey: secretAccessKey.reveal() },
    // It would write to the console; what goes wrong is told of by who replicates.
    logger: { trace: silent, debug: silent, info: silent, warn: silent, error: silent },
    // What is streamed can't be sent again by the client.
    maxAttempts: 1,
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  })
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
