import { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import type { Clock } from '../../../base/clock.ts'
import { parseCrn } from '../../../base/crn.ts'
import { randomId } from '../../../base/ids.ts'
import type { Iam } from '../../../iam/iam.ts'
import type { Objects } from '../../../objects/objects.ts'
import type { ReplicationRights } from '../../../objects/replication/rights.ts'
import { mayUseRootKey } from '../../common/root-key-use.ts'
import { authoriser } from '../access/authorise.ts'
import { keepsOutReplication } from '../firewall.ts'
import type { S3Request } from '../request.ts'

/** What conditions can ask for of a request that nobody has sent. */
const NO_REQUEST: Omit<S3Request, 'id'> = {
  ...{ method: '', rawPath: '', rawQuery: '', bucket: undefined, key: undefined },
  ...{ query: new Map(), duplicateQuery: new Set(), headers: new Map(), duplicateHeaders: new Set() },
  ...{ secure: true, incoming: new IncomingMessage(new Socket()) },
}

/** Decides like a request of whoever ordered it, for each object anew, and asks the firewall of each bucket. */
export function replicationRights(options: {
  readonly objects: () => Promise<Pick<Objects, 'onBehalfOf' | 'buckets' | 'configurationOf' | 'document'>>
  readonly iam: Pick<Iam, 'decide' | 'owner' | 'mandates'>
  readonly clock: Clock
  readonly region: string
}): ReplicationRights {
  const { objects, iam, clock, region } = options
  return async (orderedBy, use) => {
    const store = await objects()
    if (keepsOutReplication(store.configurationOf(store.buckets.get(use.bucket)).firewall)) return false
    const principal = iam.mandates.principal(orderedBy)
    if (!principal) return false
    if (!('action' in use)) {
      const bucketAccountId = parseCrn(store.buckets.get(use.bucket).serviceInstanceCrn).account
      return mayUseRootKey(iam, principal, { rootKeyCrn: use.rootKeyCrn, bucketAccountId })
    }
    const request = { ...NO_REQUEST, id: randomId() }
    const asker = { iamId: principal.iamId, action: 'store.replication', requestId: request.id }
    const { decide, denies } = authoriser(
      {
        ...{ request, principal, isForm: false, operation: { name: 'Replication' } },
        ...{ sourceIp: undefined, requestTags: () => [], rootKeyNames: async (keyName) => [keyName] },
        ...{ objects: store, service: () => store.onBehalfOf(asker) },
      },
      { iam, clock, region },
    )
    const { must, ...asked } = use
    return must === 'be undenied' ? !(await denies(asked)) : (await decide(asked)).allowed
  }
}
