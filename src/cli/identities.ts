import { notFound, usage } from './failure.ts'
import { listOf, member, textOf } from './json.ts'
import type { Server } from './server.ts'

export interface Somebody {
  readonly type: 'user' | 'service-id'
  /** What a person calls it: name of a service ID, address or IAM id of a user. */
  readonly name: string
  readonly iamId: string
  /** Of a service ID. */
  readonly id: string | undefined
  readonly crn: string | undefined
  readonly state: string
  readonly createdAt: string | undefined
}

const path = (accountId: string): string => `/v2/accounts/${accountId}/users`

export async function everybody(server: Server): Promise<readonly Somebody[]> {
  const { accountId } = await server.identity()
  const found: Somebody[] = []
  let next: string | undefined = path(accountId)
  while (next !== undefined) {
    const page: unknown = await server.control('GET', next)
    found.push(...listOf(page, 'resources').map(userOf))
    next = textOf(page, 'next_url')
  }
  let token: string | undefined
  do {
    const query = { account_id: accountId, pagesize: 100, pagetoken: token }
    const page: unknown = await server.control('GET', '/v1/serviceids', { query })
    found.push(...listOf(page, 'serviceids').map(serviceIdOf))
    const url: string | undefined = textOf(page, 'next')
    token = url === undefined ? undefined : (new URL(url, 'http://x').searchParams.get('pagetoken') ?? undefined)
  } while (token !== undefined)
  return found
}

/** IBM's identity services say `2030-01-31T12:00+0000`; every time that is told here has one form. */
function isoTime(text: string | undefined): string | undefined {
  const time = new Date(text ?? '')
  return Number.isNaN(time.getTime()) ? text : time.toISOString()
}

const userOf = (one: unknown): Somebody => ({
  type: 'user',
  name: textOf(one, 'email') || fullName(one) || (textOf(one, 'iam_id') ?? ''),
  iamId: textOf(one, 'iam_id') ?? '',
  id: undefined,
  crn: undefined,
  state: textOf(one, 'state')?.toLowerCase() ?? '',
  createdAt: isoTime(textOf(one, 'added_on')),
})

const fullName = (one: unknown): string => [textOf(one, 'firstname'), textOf(one, 'lastname')].filter(Boolean).join(' ')

export const serviceIdOf = (one: unknown): Somebody => ({
  type: 'service-id',
  name: textOf(one, 'name') ?? '',
  iamId: textOf(one, 'iam_id') ?? '',
  id: textOf(one, 'id'),
  crn: textOf(one, 'crn'),
  state: member(one, 'locked') === true ? 'locked' : 'active',
  createdAt: isoTime(textOf(one, 'created_at')),
})

/** By name, address, IAM id or id. Throws NoSuchUser, Usage. */
export async function findSomebody(server: Server, named: string): Promise<Somebody> {
  const all = await everybody(server)
  const found = all.filter(({ name, iamId, id }) => [name, iamId, id].includes(named))
  const [only, ...more] = found
  if (!only) throw notFound('NoSuchUser', `there is nobody called ${named} in the account`, 'coffer user ls')
  if (more.length > 0)
    throw usage(`several are called ${named}; give an IAM id: ${found.map(({ iamId }) => iamId).join(', ')}`)
  return only
}

export interface Credential {
  readonly id: string
  readonly kind: 'api-key' | 'hmac'
  readonly name: string
  readonly state: string
  readonly accessKeyId: string | undefined
  readonly createdAt: string | undefined
}

/** API keys, and of a service ID its key pairs for S3. */
export async function credentialsOf(server: Server, who: Somebody): Promise<readonly Credential[]> {
  const { accountId } = await server.identity()
  const query = { account_id: accountId, iam_id: who.iamId, pagesize: 100 }
  const apiKeys = listOf(await server.control('GET', '/v1/apikeys', { query }), 'apikeys').map(
    (one): Credential => ({
      kind: 'api-key',
      id: textOf(one, 'id') ?? '',
      name: textOf(one, 'name') ?? '',
      state: member(one, 'disabled') === true ? 'disabled' : 'active',
      accessKeyId: undefined,
      createdAt: isoTime(textOf(one, 'created_at')),
    }),
  )
  if (who.crn === undefined) return apiKeys
  const pairs = listOf(await server.control('GET', '/v2/resource_keys', { query: { limit: 200 } }), 'resources')
    .filter((one) => textOf(one, 'credentials', 'iam_serviceid_crn') === who.crn)
    .map(
      (one): Credential => ({
        kind: 'hmac',
        id: textOf(one, 'guid') ?? '',
        name: textOf(one, 'name') ?? '',
        state: textOf(one, 'state') ?? '',
        accessKeyId: textOf(one, 'credentials', 'cos_hmac_keys', 'access_key_id'),
        createdAt: isoTime(textOf(one, 'created_at')),
      }),
    )
  return [...apiKeys, ...pairs]
}

/** What is told once, when a credential is made. */
export interface NewCredential {
  readonly id: string
  readonly kind: Credential['kind']
  readonly name: string
  readonly apiKey: string | undefined
  readonly accessKeyId: string | undefined
  readonly secretAccessKey: string | undefined
}

export async function makeApiKey(server: Server, who: Somebody, name: string): Promise<NewCredential> {
  const made = await server.control('POST', '/v1/apikeys', { json: { name, iam_id: who.iamId } })
  return {
    id: textOf(made, 'id') ?? '',
    kind: 'api-key',
    name,
    apiKey: textOf(made, 'apikey'),
    accessKeyId: undefined,
    secretAccessKey: undefined,
  }
}

/** For S3, and an API key besides. Without a role it may what the service ID may. */
export async function makePair(
  server: Server,
  who: Somebody,
  name: string,
  source: string,
  role: string | undefined,
): Promise<NewCredential> {
  if (who.crn === undefined)
    throw usage(`${who.name} is a user; key pairs for S3 are made for service IDs`, 'coffer user create NAME')
  const parameters = { HMAC: true, serviceid_crn: who.crn }
  const made = await server.control('POST', '/v2/resource_keys', {
    json: { name, source, ...(role === undefined ? {} : { role }), parameters },
  })
  const pair = member(member(made, 'credentials'), 'cos_hmac_keys')
  return {
    ...{ id: textOf(made, 'guid') ?? '', kind: 'hmac', name, apiKey: textOf(made, 'credentials', 'apikey') },
    ...{ accessKeyId: textOf(pair, 'access_key_id'), secretAccessKey: textOf(pair, 'secret_access_key') },
  }
}

export const removeCredential = async (
  server: Server,
  { id, kind }: Pick<Credential, 'id' | 'kind'>,
): Promise<void> => {
  await server.control('DELETE', `/${kind === 'api-key' ? 'v1/apikeys' : 'v2/resource_keys'}/${encodeURIComponent(id)}`)
}

/** As lines to paste; secrets are shown here and nowhere else. */
export const credentialLines = ({ apiKey, accessKeyId, secretAccessKey }: NewCredential): readonly string[] => [
  ...(accessKeyId === undefined
    ? []
    : [`export AWS_ACCESS_KEY_ID=${accessKeyId}`, `export AWS_SECRET_ACCESS_KEY=${secretAccessKey ?? ''}`]),
  ...(apiKey === undefined ? [] : [`export IBMCLOUD_API_KEY=${apiKey}`]),
]
