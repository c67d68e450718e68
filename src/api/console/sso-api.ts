import { CodedError } from '../../base/errors.ts'
import { type JsonOperation, jsonOperations, noBody } from '../common/json-operation.ts'
import { empty, json, type Reply } from '../common/reply.ts'
import { sessionCookie, setCookie, setSsoCookie, ssoCookie } from './cookie.ts'
import { whoseAre } from './credentials.ts'
import type { ConsoleErrorCode } from './errors.ts'
import { type ConsoleOptions, isSecure } from './options.ts'
import { checkOrigin } from './origin.ts'
import { signInRecorded } from './sign-in-audit.ts'
import { ANSWER_WITHIN_MS, type Sso } from './sso.ts'

const defineOperation = jsonOperations<ConsoleOptions>()
const PATH = '/ui/session/oidc'
/** Where the identity provider sends people back to, under the console's public URL. */
export const SSO_CALLBACK_PATH = `${PATH}/callback`

/** For the page on which somebody signs in. */
const getWays = defineOperation({
  name: 'GetWaysToSignIn',
  method: 'GET',
  path: '/ui/session/ways',
  anonymous: true,
  body: noBody,
  run: async ({ request }, { sso }) => {
    checkOrigin(request.header, 'GET')
    return json(200, sso ? { sso: sso.name } : {})
  },
})

const beginSso = defineOperation({
  name: 'BeginSso',
  method: 'GET',
  path: PATH,
  anonymous: true,
  body: noBody,
  run: async ({ request }, options) => {
    const sso = ssoOf(options)
    checkOrigin(request.header, 'GET')
    // The provider sends people back there, and the cookie that is looked for then is of that host alone.
    if (request.header('host')?.toLowerCase() !== new URL(sso.publicUrl).host) return seeOther(`${sso.publicUrl}/ui/`)
    const to = pageOf(request.query.get('to'))
    // Nobody's session is replaced by another one: signing out is what ends it.
    if (options.sessions.use(sessionCookie(request.header))) return seeOther(to)
    const { secret, url } = await sso.begin()
    const value = `${secret}.${Buffer.from(to).toString('base64url')}`
    return seeOther(url.href, { 'Set-Cookie': setSsoCookie(request.header, value, isSecureAt(sso), ANSWER_WITHIN_MS) })
  },
})

/** Not anonymous, so that who is refused here too often is not looked at. */
const finishSso = defineOperation({
  name: 'FinishSso',
  method: 'GET',
  path: SSO_CALLBACK_PATH,
  body: noBody,
  run: async ({ request }, options) => {
    const sso = ssoOf(options)
    const [secret, to = ''] = ssoCookie(request.header)?.split('.') ?? []
    return signInRecorded(request, options.audit, async () => {
      const credentials = await sso.finish({ secret, query: request.query })
      // A new one: what the browser may have had before is none of this.
      const session = options.sessions.open(credentials, await whoseAre(credentials))
      const cookie = setCookie(request.header, session.id, isSecureAt(sso) || isSecure(request, options))
      const page = pageOf(Buffer.from(to, 'base64url').toString('utf8'))
      return { credentials, reply: seeOther(page, { 'Set-Cookie': cookie }) }
    })
  },
})

export const SSO_OPERATIONS: readonly JsonOperation<ConsoleOptions>[] = [getWays, beginSso, finishSso]

const seeOther = (Location: string, headers: Readonly<Record<string, string>> = {}): Reply =>
  empty(303, { Location, ...headers })

const isSecureAt = ({ publicUrl }: Pick<Sso, 'publicUrl'>): boolean => publicUrl.startsWith('https:')

/** A page of the console's; its first one when it is none. */
const pageOf = (given = ''): string =>
  given.length <= 1024 && /^\/ui\/[\x21-\x5b\x5d-\x7e]*$/.test(given) ? given : '/ui/'

function ssoOf({ sso }: ConsoleOptions): Sso {
  if (sso) return sso
  throw new CodedError<ConsoleErrorCode>('SsoNotConfigured', 'No identity provider to sign in with is configured here.')
}
