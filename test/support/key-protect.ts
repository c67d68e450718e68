import { clientAddressBehind } from '../../src/api/common/client-address.ts'
import { createControlListener } from '../../src/api/common/listener.ts'
import { keyProtectApi } from '../../src/api/key-protect/api.ts'
import { CodedError } from '../../src/base/errors.ts'
import type { Principal } from '../../src/iam/principal.ts'
import {
  KMS_INSTANCE,
  type KmsWorld,
  kmsWorld,
  MANAGER,
  OTHER_MANAGER,
  PURGER,
  READER,
  READER_PLUS,
  RING_MANAGER,
  STRANGER,
  storageService,
  type WorldOptions,
  WRITER,
} from './kms-world.ts'
import { checkedApis } from './published.ts'

export const KEY_TYPE = 'application/vnd.ibm.kms.key+json'

export interface KeyProtectServer extends KmsWorld {
  readonly url: string
  readonly call: (method: string, path: string, options?: CallOptions) => Promise<Answer>
  /** A root key through the API; resolves to its id. */
  readonly rootKey: (resource?: object) => Promise<string>
  /** Everything that the listener logged. */
  readonly logged: unknown[]
  readonly close: () => Promise<void>
}

export interface CallOptions {
  readonly body?: unknown
  /** Sent as it is, instead of `body`. */
  readonly text?: string
  readonly headers?: Record<string, string>
  /** Left out of the headers that every call has. */
  readonly without?: readonly string[]
}

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
  readonly json: any
}

const TOKENS: ReadonlyMap<string, Principal> = new Map<string, Principal>([
  ['manager-token', MANAGER],
  ['other-manager-token', OTHER_MANAGER],
  ['writer-token', WRITER],
  ['reader-plus-token', READER_PLUS],
  ['reader-token', READER],
  ['purger-token', PURGER],
  ['ring-manager-token', RING_MANAGER],
  ['stranger-token', STRANGER],
  ['service-token', storageService()],
])

export interface ServerOptions extends WorldOptions {
  readonly trustedProxies?: readonly string[]
}

export async function keyProtectServer(options: ServerOptions = {}): Promise<KeyProtectServer> {
  const { trustedProxies = [] } = options
  const settings = { enableDelayMs: 0, restoreDelayMs: 0, ...options.settings }
  const world = await kmsWorld({ ...options, settings })
  const logged: unknown[] = []
  const log = (...entry: unknown[]) => void logged.push(entry)
  const listener = createControlListener({
    apis: checkedApis([
      keyProtectApi({ kms: world.kms, verifyToken, clientAddress: clientAddressBehind(trustedProxies) }),
    ]),
    health: { live: () => ({ ok: true }), ready: () => ({ ok: true }) },
    logger: { info: log, error: log },
  })
  const { host, port } = await listener.listen({ host: '127.0.0.1', port: 0 })
  const url = `http://${host}:${port}`
  const call = (method: string, path: string, sent: CallOptions = {}) => send(`${url}/api/v2${path}`, method, sent)
  return {
    ...world,
    url,
    call,
    logged,
    rootKey: async (resource = {}) => {
      const { json } = await call('POST', '/keys', { body: newKey({ extractable: false, ...resource }) })
      return json.resources[0].id
    },
    close: async () => {
      await listener.close(0)
      world.kms.close()
    },
  }
}

/** As another user: `headers: as('writer')`. */
export const as = (user: string): Record<string, string> => ({ authorization: `Bearer ${user}-token` })

export const newKey = (resource: object): object => ({
  metadata: { collectionType: KEY_TYPE, collectionTotal: 1 },
  resources: [{ type: KEY_TYPE, name: 'a key', ...resource }],
})

/** The reason code of an error answer, with its status. */
export const refusal = ({ status, json }: Answer): string => `${status} ${json.resources[0].reasons?.[0].code ?? '-'}`

async function verifyToken(token: string): Promise<Principal> {
  const principal = TOKENS.get(token)
  if (!principal) throw new CodedError('InvalidToken', 'the token is not valid')
  return principal
}

async function send(
  url: string,
  method: string,
  { body, text, headers = {}, without = [] }: CallOptions,
): Promise<Answer> {
  const all = new Headers({
    authorization: 'Bearer manager-token',
    'bluemix-instance': KMS_INSTANCE,
    'content-type': 'application/json',
    accept: 'application/json',
    ...headers,
  })
  for (const name of without) all.delete(name)
  const content = text ?? (body === undefined ? undefined : JSON.stringify(body))
  const reply = await fetch(url, { method, headers: all, ...(content === undefined ? {} : { body: content }) })
  const answered = await reply.text()
  const json = answered === '' ? undefined : JSON.parse(answered)
  return { status: reply.status, headers: reply.headers, text: answered, json }
}
