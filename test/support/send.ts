import { type RawS3Reply, replyOf, startRaw } from './raw-s3.ts'

export interface PlainRequest {
  readonly method: string
  /** Path and query, raw. */
  readonly target: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Buffer | string
}

/** Sends a request as it is: without any signature. */
export function sendPlain(s3Url: string, { method, target, headers = {}, body }: PlainRequest): Promise<RawS3Reply> {
  const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }
  const outgoing = startRaw(s3Url, { method, target, headers: { ...length, ...headers } })
  outgoing.end(body)
  return replyOf(outgoing)
}

export const bearer = (token: string, instance?: string): Record<string, string> => ({
  authorization: `Bearer ${token}`,
  ...(instance === undefined ? {} : { 'ibm-service-instance-id': instance }),
})
