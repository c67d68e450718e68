import { z } from 'zod'
import { type Api, defineApi } from '../common/api.ts'
import { type JsonOperation, jsonOperations, noBody } from '../common/json-operation.ts'
import { empty, json, type Reply } from '../common/reply.ts'
import type { ApiRequest } from '../common/request.ts'
import { endCookie, sessionCookie, setCookie } from './cookie.ts'
import { hold, whoseAre } from './credentials.ts'
import { noSession } from './gate.ts'
import { type ConsoleOptions, isSecure } from './options.ts'
import { checkOrigin, checkRequest } from './origin.ts'
import { consoleProtocol } from './protocol.ts'
import { IDLE_MS, type Session } from './sessions.ts'
import { recordSignOut, signInRecorded } from './sign-in-audit.ts'
import { SSO_OPERATIONS } from './sso-api.ts'

const defineOperation = jsonOperations<ConsoleOptions>()
const PATH = '/ui/session'
const text = z.string().min(1).max(2048)

const signIn = defineOperation({
  name: 'SignIn',
  method: 'POST',
  path: PATH,
  body: z.union([
    z.strictObject({ accessKeyId: text, secretAccessKey: text, sessionToken: z.string().max(8192).optional() }),
    z.strictObject({ apiKey: text }),
  ]),
  run: ({ request, body }, options) =>
    signInRecorded(request, options.audit, async () => {
      checkOrigin(request.header, 'POST')
      const { iam, clock, sessions } = options
      const credentials = await hold(body, iam, clock)
      // Never the id of an earlier session, which somebody else may have planted.
      const earlier = sessionCookie(request.header)
      if (earlier !== undefined) sessions.end(earlier)
      const session = sessions.open(credentials, await whoseAre(credentials))
      const cookie = setCookie(request.header, session.id, isSecure(request, options))
      return { credentials, reply: await told(session, request, options, { 'Set-Cookie': cookie }) }
    }),
})

const getSession = defineOperation({
  name: 'GetSession',
  method: 'GET',
  path: PATH,
  anonymous: true,
  body: noBody,
  run: async ({ request }, options) => {
    checkOrigin(request.header, 'GET')
    return told(sessionOf(request, options), request, options)
  },
})

const signOut = defineOperation({
  name: 'SignOut',
  method: 'DELETE',
  path: PATH,
  anonymous: true,
  body: noBody,
  run: async ({ request }, options) => {
    const session = sessionOf(request, options)
    checkRequest(request.header, 'DELETE', session)
    options.sessions.end(session.id)
    await recordSignOut(request, options.audit, session.credentials)
    const headers = { 'Set-Cookie': endCookie(request.header, isSecure(request, options)) }
    const { endsAt } = session.credentials
    return endsAt === undefined ? empty(204, headers) : json(200, { endsAt }, headers)
  },
})

export const SESSION_OPERATIONS: readonly JsonOperation<ConsoleOptions>[] = [signIn, getSession, signOut]

export const sessionApi = (options: ConsoleOptions): Api =>
  defineApi(consoleProtocol(options), [...SESSION_OPERATIONS, ...SSO_OPERATIONS])

function sessionOf(request: ApiRequest, { sessions }: ConsoleOptions): Session {
  const session = sessions.use(sessionCookie(request.header))
  if (!session) throw noSession()
  return session
}

async function told(
  { credentials, csrfToken, id, expiresAtMs }: Session,
  request: ApiRequest,
  { iam, sessions, s3, halves, version, sso }: ConsoleOptions,
  headers: Readonly<Record<string, string>> = {},
): Promise<Reply> {
  const principal = await credentials.principal().catch(() => undefined)
  if (!principal) {
    sessions.end(id)
    throw noSession()
  }
  const { iamId, type, name, email, aws, accountId } = principal
  const instances = iam.instances({ accountId }).map(({ guid, crn, service, name: called, region }) => ({
    ...{ guid, crn, service, region },
    name: called,
  }))
  const body = {
    user: { iamId, type, name, email, ...(aws ? { arn: aws.arns[0] } : {}) },
    account: { id: accountId, name: iam.account(accountId)?.name ?? accountId },
    signedInBy: credentials.kind,
    ...(credentials.accessKeyId === undefined ? {} : { accessKeyId: credentials.accessKeyId }),
    ...{ instances, csrfToken, halves, version },
    s3: s3?.(request),
    sso: sso?.name,
    idleMinutes: IDLE_MS / 60_000,
    expiresAt: new Date(expiresAtMs).toISOString(),
  }
  return json(200, body, headers)
}
