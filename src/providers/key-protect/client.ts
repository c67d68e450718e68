import { parseCrn } from '../../base/crn.ts'
import { newUuid } from '../../base/ids.ts'
import type { KeyCall } from '../../envelope/key-provider.ts'
import type { Circuit } from '../common/circuit.ts'
import { failure, isFailure } from '../common/failure.ts'
import type { HttpExchange, HttpReply, HttpRequest } from '../common/http-exchange.ts'
import { retrying } from '../common/retrying.ts'
import { apiKeyOf, type KeyProtectSettings } from './settings.ts'
import { type PostToken, type ServiceTokens, serviceTokens } from './tokens.ts'

export interface KeyRequest {
  readonly method: HttpRequest['method']
  /** Below the key, e.g. `/actions/wrap`. */
  readonly path: string
  readonly type?: string
  readonly body?: object
  /** Shorter than the settings' where nobody waits that long. */
  readonly timeoutMs?: number
}

/** Calls of Key Protect as the identity of an object storage instance. Resolves to any answer but 429 and 5xx. */
export interface KeyProtectClient {
  readonly call: (call: KeyCall, request: KeyRequest) => Promise<HttpReply>
  /** Resolves when both services answer, whatever they answer. */
  readonly probe: () => Promise<void>
}

const PROBE_TIMEOUT_MS = 2000

export function keyProtectClient(
  settings: KeyProtectSettings,
  exchange: HttpExchange,
  circuit: () => Pick<Circuit, 'assertClosed' | 'succeeded' | 'failed'>,
): KeyProtectClient {
  const { url, 'iam-url': iamUrl = url } = settings

  const postToken: PostToken = (fields, { correlationId, deadlineMs }) => {
    const body = Buffer.from(new URLSearchParams(fields).toString())
    const headers = {
      'content-type': 'application/x-www-form-urlencoded',
      accept: 'application/json',
      'transaction-id': correlationId,
    }
    const request = { method: 'POST', url: below(iamUrl, '/identity/token'), headers, body } as const
    return retrying((signal) => exchange({ ...request, signal }), { circuit: circuit(), deadlineMs })
  }
  const tokens: ServiceTokens = serviceTokens(postToken, (account) => apiKeyOf(settings, account))

  return {
    call: async (call, { method, path, type = 'application/json', body, timeoutMs = settings['timeout-ms'] }) => {
      const { instance, resource } = parseCrn(call.rootKeyCrn)
      const about = { correlationId: call.requestId ?? newUuid(), deadlineMs: performance.now() + timeoutMs }
      const bytes = body === undefined ? {} : { body: Buffer.from(JSON.stringify(body)) }
      const send = (token: string): Promise<HttpReply> => {
        const headers = {
          authorization: `Bearer ${token}`,
          'bluemix-instance': instance,
          'correlation-id': about.correlationId,
          ...(call.traceparent === undefined ? {} : { traceparent: call.traceparent }),
          accept: 'application/json',
          ...(body === undefined ? {} : { 'content-type': type }),
        }
        const request = { method, url: below(url, `/api/v2/keys/${resource}${path}`), headers, ...bytes }
        return retrying((signal) => exchange({ ...request, signal }), { circuit: circuit(), ...about })
      }
      try {
        const token = await tokens.get(call.serviceInstanceCrn, about)
        const reply = await send(token)
        if (!isTokenRefusal(reply)) return reply
        const another = await tokens.afterRefusal(call.serviceInstanceCrn, token, about)
        return another === undefined ? reply : await send(another)
      } catch (error) {
        throw isFailure(error) ? error : failure('KeyProviderUnavailable', error)
      } finally {
        // A wrap's body holds the DEK.
        bytes.body?.fill(0)
      }
    },
    probe: async () => {
      for (const at of [below(iamUrl, '/identity/keys'), below(url, '/api/v2/keys')]) {
        const headers = { accept: 'application/json' }
        const signal = AbortSignal.timeout(PROBE_TIMEOUT_MS)
        const { status } = await exchange({ method: 'GET', url: at, headers, signal })
        if (status >= 500) throw failure('KeyProviderUnavailable')
      }
    },
  }
}

/** Some gateways of Key Protect answer 400 with a text for a token that has expired. */
const isTokenRefusal = ({ status, body }: HttpReply): boolean =>
  status === 401 || (status === 400 && body.includes('Token is expired'))

const below = (base: URL, path: string): URL => new URL(base.href.replace(/\/+$/, '') + path)
