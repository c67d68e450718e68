import type { Iam } from '../../iam/iam.ts'
import { type Api, defineApi } from '../common/api.ts'
import { principalOf } from '../common/bearer-token.ts'
import { type ConfigAuditOptions, configAudit } from './audit.ts'
import type { ConfigContext } from './context.ts'
import { errorReply, renderError } from './errors.ts'
import * as operations from './operations/index.ts'

export interface ResourceConfigApiOptions extends ConfigAuditOptions {
  readonly objects: ConfigContext['objects']
  readonly iam: Pick<Iam, 'decide' | 'verifyToken'>
}

/** Two lists of networks at their longest. */
const BODY_LIMIT_BYTES = 256 * 1024

/** IBM's Resource Configuration API of object storage: `GET` and `PATCH /v1/b/{bucket}`. */
export function resourceConfigApi(options: ResourceConfigApiOptions): Api {
  const { iam, objects } = options
  return defineApi<ConfigContext>(
    {
      name: 'resource-configuration',
      prefixes: ['/v1/b'],
      bodyLimitBytes: BODY_LIMIT_BYTES,
      authenticate: async (request) => ({ iam, objects, principal: await principalOf(request, iam) }),
      audit: configAudit(options),
      renderError,
      error: errorReply,
      replyHeaders: ({ correlationId }) => ({ 'X-Global-Transaction-Id': correlationId }),
    },
    Object.values(operations),
  )
}
