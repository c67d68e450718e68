import { ibmPackages } from './ibm-clients.ts'

interface ClientReply {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  /** Parsed, where the answer has a body. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
  readonly data: any
}
type Call = (parameters: object) => Promise<ClientReply>

/** IBM's own client of the resource configuration API, which gets its tokens itself. */
export interface BucketConfigClient {
  readonly getBucketConfig: Call
  readonly updateBucketConfig: Call
}

export async function bucketConfigClient(controlUrl: string, apiKey: string): Promise<BucketConfigClient> {
  const require = await ibmPackages('platform-services')
  const module: { ResourceConfigurationV1: new (options: object) => BucketConfigClient } = require('ibm-cos-sdk-config')
  const client = new module.ResourceConfigurationV1({
    iam_apikey: apiKey,
    iam_url: `${controlUrl}/identity/token`,
    url: `${controlUrl}/v1`,
  })
  const whole = { return_response: true }
  return {
    getBucketConfig: (parameters) => client.getBucketConfig({ ...whole, ...parameters }),
    updateBucketConfig: (parameters) => client.updateBucketConfig({ ...whole, ...parameters }),
  }
}

/** Sends to the API as it is: what the client would mend, or cannot send. */
export async function sendConfig(
  controlUrl: string,
  bucket: string,
  token: string | undefined,
  { patch, headers = {} }: { readonly patch?: unknown; readonly headers?: Readonly<Record<string, string>> } = {},
) {
  const reply = await fetch(`${controlUrl}/v1/b/${bucket}`, {
    method: patch === undefined ? 'GET' : 'PATCH',
    headers: { ...(token === undefined ? {} : { authorization: `Bearer ${token}` }), ...headers },
    ...(patch === undefined ? {} : { body: typeof patch === 'string' ? patch : JSON.stringify(patch) }),
  })
  const text = await reply.text()
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
  const body: any = text === '' ? undefined : JSON.parse(text)
  return { status: reply.status, etag: reply.headers.get('etag') ?? '', body, code: String(body?.errors?.[0]?.code) }
}
