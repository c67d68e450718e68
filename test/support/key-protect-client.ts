import { type IbmClient, type IbmReply, ibmPackages } from './ibm-clients.ts'

/** How the client signs in: with a token, or with an API key for tokens of its own. */
export type SignIn = { readonly bearerToken: string } | { readonly apikey: string; readonly url: string }

export interface KeyProtectClient {
  /** Every call that the client has. */
  readonly methods: readonly string[]
  /** Those calls, as they are, for one instance. */
  readonly calls: IbmClient
  /** The calls that succeeded, and those that were refused. */
  readonly seen: { readonly succeeded: ReadonlySet<string>; readonly refused: ReadonlySet<string> }
}

/** `@ibm-cloud/ibm-key-protect`, unmodified. */
export async function keyProtectClient(
  serviceUrl: string,
  bluemixInstance: string,
  signIn: SignIn,
): Promise<KeyProtectClient> {
  const require = await ibmPackages('key-protect')
  const Service: new (options: object) => IbmClient = require('@ibm-cloud/ibm-key-protect/ibm-key-protect-api/v2')
  const auth: Readonly<Record<'BearerTokenAuthenticator' | 'IamAuthenticator', new (options: object) => object>> =
    require('@ibm-cloud/ibm-key-protect/auth')
  const Authenticator = 'apikey' in signIn ? auth.IamAuthenticator : auth.BearerTokenAuthenticator
  const client = new Service({ authenticator: new Authenticator(signIn), serviceUrl })
  const methods = Object.getOwnPropertyNames(Service.prototype).filter((name) => name !== 'constructor')
  const seen = { succeeded: new Set<string>(), refused: new Set<string>() }
  const calls = methods.map((name) => [
    name,
    async (parameters: object = {}): Promise<IbmReply> => {
      try {
        const reply = await client[name]?.({ bluemixInstance, ...parameters })
        if (!reply) throw new Error(`the client has no ${name}`)
        seen.succeeded.add(name)
        return reply
      } catch (error) {
        if ('status' in Object(error)) seen.refused.add(name)
        throw error
      }
    },
  ])
  return { methods, calls: Object.fromEntries(calls), seen }
}

/** Status and reason code of a refusal, as the client has them. */
export async function keyProtectRefusal(call: Promise<IbmReply> | undefined): Promise<string> {
  try {
    const reply = await call
    return `${reply?.status} and no error`
  } catch (error) {
    const { status, body } = Object(error)
    const text = await textOf(body)
    const [resource] = text === '' ? [] : (JSON.parse(text).resources ?? [])
    return `${status} ${resource?.reasons?.[0]?.code ?? '-'}`
  }
}

/** Answers that the client does not read: it hands on the stream. */
export async function textOf(body: unknown): Promise<string> {
  if (typeof body === 'string') return body
  const chunks: Buffer[] = []
  if (typeof body === 'object' && body !== null && Symbol.asyncIterator in body) {
    for await (const chunk of Object(body)) chunks.push(Buffer.from(chunk))
  }
  return Buffer.concat(chunks).toString('utf8')
}
