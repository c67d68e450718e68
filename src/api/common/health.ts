import type { Api } from './api.ts'
import { defineApi } from './api.ts'
import { jsonOperations, noBody } from './json-operation.ts'
import { plainProtocol } from './plain-protocol.ts'
import type { Reply } from './reply.ts'
import { json } from './reply.ts'

export interface HealthReport {
  readonly ok: boolean
  /** Why not, or what is not as it should be; one short text for each, shown to anybody. */
  readonly problems?: readonly string[]
}

export interface HealthChecks {
  /** Is the process worth keeping? */
  readonly live: () => HealthReport | Promise<HealthReport>
  /** Should it get requests now? */
  readonly ready: () => HealthReport | Promise<HealthReport>
}

const define = jsonOperations<undefined>()

/** `GET /health/live` and `GET /health/ready`: 200 or 503. */
export function healthApi(checks: HealthChecks): Api {
  const check = (name: string, path: string, run: HealthChecks['live']) =>
    define({ name, method: 'GET', path, anonymous: true, body: noBody, run: async () => reportReply(await run()) })
  return defineApi(plainProtocol('health', ['/health']), [
    check('GetLiveness', '/health/live', checks.live),
    check('GetReadiness', '/health/ready', checks.ready),
  ])
}

function reportReply({ ok, problems = [] }: HealthReport): Reply {
  const status = problems.length > 0 ? 'degraded' : 'ok'
  return json(ok ? 200 : 503, { status: ok ? status : 'unavailable', ...(problems.length > 0 ? { problems } : {}) })
}
