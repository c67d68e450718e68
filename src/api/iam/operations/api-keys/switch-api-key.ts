import { noBody } from '../../../common/json-operation.ts'
import { empty } from '../../../common/reply.ts'
import { entityOperation } from '../../entity-protocol.ts'
import { findApiKey } from './find-api-key.ts'

interface Switch {
  readonly name: string
  readonly method: 'POST' | 'DELETE'
  readonly path: string
  readonly set: 'setLocked' | 'setDisabled'
}

const switchApiKey = ({ name, method, path, set }: Switch) =>
  entityOperation({
    name,
    method,
    path,
    action: 'iam-identity.apikey.manage',
    body: noBody,
    run: async ({ request }, context) => {
      const { id } = findApiKey(request, context, 'iam-identity.apikey.manage')
      await context.iam.apiKeys[set](id, method === 'POST', context.principal)
      return empty(204)
    },
  })

const LOCK = { path: '/v1/apikeys/:id/lock', set: 'setLocked' } as const
const DISABLE = { path: '/v1/apikeys/:id/disable', set: 'setDisabled' } as const

/** It cannot be changed or deleted any more, and works as before: so it is with IBM. */
export const lockApiKey = switchApiKey({ name: 'LockApiKey', method: 'POST', ...LOCK })
export const unlockApiKey = switchApiKey({ name: 'UnlockApiKey', method: 'DELETE', ...LOCK })
/** Neither it nor a token that it got works until it is enabled. */
export const disableApiKey = switchApiKey({ name: 'DisableApiKey', method: 'POST', ...DISABLE })
export const enableApiKey = switchApiKey({ name: 'EnableApiKey', method: 'DELETE', ...DISABLE })
