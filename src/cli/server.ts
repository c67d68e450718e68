import { Agent } from 'node:https'
import type { HeadObjectCommandInput, S3 } from '@aws-sdk/client-s3'
import { type Authorities, authorities } from './authorities.ts'
import { awsEndpoint } from './aws-config.ts'
import { type Environment, given } from './environment.ts'
import { CommandFailure, usage } from './failure.ts'
import { type HttpReply, http } from './http.ts'
import { listOf, numberOf, parsed, textOf } from './json.ts'
import { type Profile, profileNamed, readProfiles } from './profiles.ts'
import { refusal } from './refusal.ts'
import { readSpan } from './units.ts'
import { checkedUrl } from './unreachable.ts'

export interface ControlCall {
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>
  readonly json?: unknown
  readonly headers?: Readonly<Record<string, string>>
}

export interface OpenOptions {
  /** Of another control listener than the one that is meant otherwise. */
  readonly origin?: string | undefined
  readonly timeoutMs?: number
}

export interface Instance {
  readonly guid: string
  readonly crn: string
  readonly name: string
  readonly service: 'kms' | 'cloud-object-storage'
  readonly region: string
}

export interface Identity {
  readonly accountId: string
  readonly iamId: string
  readonly name: string
}

/** A server, asked as whoever the environment or the profile names. */
export interface Server {
  readonly controlUrl: string
  readonly s3Url: string
  readonly region: string | undefined
  readonly keyProtectInstance: string | undefined
  readonly objectStorageCrn: string | undefined
  /** A call of the control listener, as JSON. Throws CommandFailure for what is refused. */
  readonly control: (method: string, path: string, call?: ControlCall) => Promise<unknown>
  /** The same with headers, and without a token. */
  readonly open: (method: string, path: string, options?: OpenOptions) => Promise<HttpReply>
  readonly reply: (method: string, path: string, call?: ControlCall) => Promise<HttpReply>
  readonly identity: () => Promise<Identity>
  readonly instances: () => Promise<readonly Instance[]>
  readonly token: () => Promise<string>
  readonly s3: () => Promise<S3>
  /** S3 is called with a token, for want of a key pair. */
  readonly signsByToken: () => boolean
  readonly dispose: () => void
}

interface Target extends Profile {
  readonly objectStorageCrn?: string | undefined
  readonly usesAwsFiles: boolean
  /** The API key is of who runs the S3 listener, too. */
  readonly tokenIsForS3: boolean
}

const LOCAL = { control: 'http://127.0.0.1:9001', s3: 'http://127.0.0.1:9000' } as const

/**
 * A profile that is asked for by name counts alone; else the environment wins over the current profile, and what neither
 * says is a server of this machine.
 */
async function targetOf(environment: Environment, asked: string | undefined): Promise<Target> {
  const name = asked ?? given(environment, 'COFFER_PROFILE')
  const profiles = await readProfiles(environment)
  if (name !== undefined) return { ...profileNamed(profiles, name), ...OF_PROFILE }
  const saved = profiles.current === undefined ? undefined : profiles.profiles.get(profiles.current)
  const own = given(environment, 'AWS_ACCESS_KEY_ID', 'AWS_PROFILE') !== undefined
  const control = given(environment, 'COFFER_CONTROL', 'KP_TARGET_ADDR')
  // What belongs to one server is never sent to another that the environment names.
  const kept = control === undefined || control === saved?.control ? saved : undefined
  const endpoint = await awsEndpoint(environment)
  const apiKey = given(environment, 'IBMCLOUD_API_KEY')
  return {
    ...kept,
    control: trimmed(control ?? kept?.control ?? LOCAL.control),
    s3: trimmed(endpoint ?? kept?.s3 ?? LOCAL.s3),
    apiKey: apiKey ?? kept?.apiKey,
    keyProtectInstance: given(environment, 'KP_INSTANCE_ID') ?? kept?.keyProtectInstance,
    objectStorageCrn: given(environment, 'COS_INSTANCE_CRN'),
    region: given(environment, 'AWS_REGION', 'AWS_DEFAULT_REGION') ?? kept?.region,
    ...(own ? { accessKeyId: undefined, secretAccessKey: undefined } : {}),
    usesAwsFiles: own || kept?.accessKeyId === undefined,
    // A signature tells nothing; whoever gets a token can use it.
    tokenIsForS3: apiKey !== undefined || endpoint === undefined || trimmed(endpoint) === trimmed(kept?.s3 ?? LOCAL.s3),
  }
}

const OF_PROFILE = { usesAwsFiles: false, tokenIsForS3: true } as const

const trimmed = (url: string): string => url.replace(/\/+$/, '')

export async function openServer(
  environment: Environment,
  profile: string | undefined,
  signal: AbortSignal,
): Promise<Server> {
  return serverOf(await targetOf(environment, profile), environment, signal)
}

/** With this profile alone, saved or not. */
export const openServerAt = (profile: Profile, environment: Environment, signal: AbortSignal): Promise<Server> =>
  serverOf({ ...profile, ...OF_PROFILE }, environment, signal)

async function serverOf(target: Target, environment: Environment, signal: AbortSignal): Promise<Server> {
  const ca = await authorities(target.caFile ?? given(environment, 'AWS_CA_BUNDLE'))
  checkedUrl(target.control, 'control')
  checkedUrl(target.s3, 's3')
  const timeoutMs = silenceMs(environment)
  let asked: Promise<Token> | undefined
  let client: Promise<S3> | undefined
  let listed: Promise<readonly Instance[]> | undefined

  const token = (): Promise<Token> => {
    asked ??= tokenFor(target, ca, signal, timeoutMs)
    return asked
  }
  const reply = async (
    method: string,
    path: string,
    { query = {}, json, headers = {} }: ControlCall = {},
  ): Promise<HttpReply> => {
    const url = new URL(`${target.control}${path}`)
    // A name of dots, which would be another path.
    const dots = path.split(/[/?]/).find((one) => one === '.' || one === '..')
    if (dots !== undefined) throw usage(`${dots} is no name`)
    for (const [name, value] of Object.entries(query))
      if (value !== undefined) url.searchParams.set(name, String(value))
    const answered = await http({
      ...{ method, url: url.href, ca, signal, timeoutMs },
      headers: {
        authorization: `Bearer ${(await token()).text}`,
        accept: 'application/json',
        ...(json === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(json === undefined ? {} : { body: JSON.stringify(json) }),
    })
    if (answered.status >= 400) throw refusal(answered)
    return answered
  }
  const control: Server['control'] = async (...call) => parsed((await reply(...call)).body)
  return {
    controlUrl: target.control,
    s3Url: target.s3,
    region: target.region,
    keyProtectInstance: target.keyProtectInstance,
    objectStorageCrn: target.objectStorageCrn,
    reply,
    control,
    open: (method, path, { origin = target.control, timeoutMs } = {}) =>
      http({ method, url: `${origin}${path}`, ca, signal, ...(timeoutMs === undefined ? {} : { timeoutMs }) }),
    token: async () => (await token()).text,
    identity: async () => (await token()).identity,
    instances: () => {
      listed ??= instancesOf(control)
      return listed
    },
    s3: () => {
      client ??= openS3(target, ca, environment, async () => (await token()).text)
      return client
    },
    signsByToken: () => isByToken(target, environment),
    dispose: () =>
      void client?.then(
        (opened) => opened.destroy(),
        () => {},
      ),
  }
}

interface Token {
  readonly text: string
  readonly identity: Identity
}

async function tokenFor(
  { control, apiKey }: Target,
  ca: Authorities,
  signal: AbortSignal,
  timeoutMs: number,
): Promise<Token> {
  if (apiKey === undefined) {
    throw new CommandFailure({
      code: 'NoApiKey',
      ending: 'refused',
      why: `this takes an API key for ${control}, and none is given`,
      fixes: ['export IBMCLOUD_API_KEY=…', `coffer login ${control}`],
    })
  }
  const answered = await http({
    ...{ method: 'POST', url: `${control}/identity/token`, ca, signal, timeoutMs },
    headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' },
    body: new URLSearchParams({ grant_type: 'urn:ibm:params:oauth:grant-type:apikey', apikey: apiKey }).toString(),
  })
  const text = textOf(parsed(answered.body), 'access_token')
  if (text === undefined) throw refusal(answered, 'refused')
  const claims = parsed(Buffer.from(text.split('.')[1] ?? '', 'base64url').toString())
  return {
    text,
    identity: {
      accountId: textOf(claims, 'account', 'bss') ?? '',
      iamId: textOf(claims, 'iam_id') ?? '',
      name: textOf(claims, 'name') ?? '',
    },
  }
}

async function instancesOf(control: Server['control']): Promise<readonly Instance[]> {
  const found: Instance[] = []
  let start: string | undefined
  do {
    const page: unknown = await control('GET', '/v2/resource_instances', { query: { limit: 200, start } })
    for (const one of listOf(page, 'resources')) {
      const crn = textOf(one, 'crn') ?? ''
      const [, , , , service, region = ''] = crn.split(':')
      if (service !== 'kms' && service !== 'cloud-object-storage') continue
      found.push({ crn, service, region, guid: textOf(one, 'guid') ?? '', name: textOf(one, 'name') ?? '' })
    }
    const next: string | undefined = textOf(page, 'next_url')
    start = next === undefined ? undefined : (new URL(next, 'http://x').searchParams.get('start') ?? undefined)
  } while (start !== undefined)
  return found
}

/** As AWS's own client has it. */
const MOST_SOCKETS = 50

/** With a key pair by signature, with an API key alone by token; else as AWS's own client finds credentials. */
async function openS3(
  target: Target,
  ca: Authorities,
  environment: Environment,
  token: () => Promise<string>,
): Promise<S3> {
  const { S3: Client } = await import('@aws-sdk/client-s3')
  const credentials = credentialsOf(target, environment)
  const byToken = isByToken(target, environment)
  const socketTimeout = silenceMs(environment)
  const requestHandler = {
    ...{ connectionTimeout: Math.min(CONNECT_MS, socketTimeout), socketTimeout },
    // An agent and not its options: the client makes another one for bodies of some MiB, and of that it tells nothing.
    ...(ca === undefined ? {} : { httpsAgent: new Agent({ keepAlive: true, maxSockets: MOST_SOCKETS, ca: [...ca] }) }),
  }
  const common = {
    endpoint: target.s3,
    forcePathStyle: true,
    maxAttempts: 4,
    // What goes wrong is told by the command, once.
    logger: { debug: ignored, info: ignored, warn: ignored, error: ignored },
    requestHandler,
    ...(credentials ? { credentials } : {}),
    ...(byToken ? { credentials: NOBODY, signer: bearer(token) } : {}),
  }
  const client = new Client({ ...common, ...(target.region === undefined ? {} : { region: target.region }) })
  if (target.region !== undefined) return withReasons(client)
  const hasRegion = await client.config.region().then(
    (region) => region !== '',
    () => false,
  )
  return withReasons(hasRegion ? client : new Client({ ...common, region: 'us-east-1' }))
}

/** An answer to HEAD has no body and so no code: why a HEAD is refused with 400, a GET is told. */
function withReasons(client: S3): S3 {
  client.middlewareStack.add(
    (next, { commandName }) =>
      async (args) => {
        try {
          return await next(args)
        } catch (error) {
          if (commandName !== 'HeadObjectCommand' || numberOf(error, '$metadata', 'httpStatusCode') !== 400) throw error
          const { PartNumber: _, ...input } = args.input as HeadObjectCommandInput
          const { Body: body } = await client.getObject({ ...input, Range: 'bytes=0-0' })
          await body?.transformToByteArray()
          throw error
        }
      },
    { step: 'initialize', name: 'reasonOfHead' },
  )
  return client
}

function credentialsOf({ accessKeyId, secretAccessKey, usesAwsFiles }: Target, environment: Environment) {
  const kept = accessKeyId === undefined || secretAccessKey === undefined ? undefined : { accessKeyId, secretAccessKey }
  return (usesAwsFiles ? pairOf(environment) : undefined) ?? kept
}

const isByToken = (target: Target, environment: Environment): boolean =>
  credentialsOf(target, environment) === undefined &&
  target.apiKey !== undefined &&
  target.tokenIsForS3 &&
  (!target.usesAwsFiles || given(environment, 'AWS_PROFILE') === undefined)

function pairOf(environment: Environment) {
  const accessKeyId = given(environment, 'AWS_ACCESS_KEY_ID')
  const secretAccessKey = given(environment, 'AWS_SECRET_ACCESS_KEY')
  const sessionToken = given(environment, 'AWS_SESSION_TOKEN')
  if (accessKeyId === undefined || secretAccessKey === undefined) return undefined
  return { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) }
}

const CONNECT_MS = 10_000
/** Silence that is waited through. */
const SILENCE_MS = 60_000

/** Throws Usage. */
function silenceMs(environment: Environment): number {
  const text = given(environment, 'COFFER_READ_TIMEOUT')
  const span = text === undefined ? SILENCE_MS : readSpan(text)
  if (span === undefined || span === 0)
    throw usage(`COFFER_READ_TIMEOUT is a span of time as 30s or 5m, and not ${text}`)
  return span
}

const ignored = (): void => {}

/** The client asks for some, and the signer does not. */
const NOBODY = { accessKeyId: 'token', secretAccessKey: 'token' }

const bearer = (token: () => Promise<string>) => ({
  sign: async <Request extends { readonly headers: Record<string, string> }>(request: Request): Promise<Request> => {
    request.headers['authorization'] = `Bearer ${await token()}`
    return request
  },
})
