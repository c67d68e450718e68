import type { Clock } from '../../../base/clock.ts'
import { parseCrn } from '../../../base/crn.ts'
import type { Iam } from '../../../iam/iam.ts'
import type { Principal } from '../../../iam/principal.ts'
import type { Objects } from '../../../objects/objects.ts'
import type { ReplicationRights } from '../../../objects/replication/rights.ts'
import { mayUseRootKey } from '../../common/root-key-use.ts'
import { authoriser } from '../access/authorise.ts'
import { tagsOfRequest } from '../access/request-uses.ts'
import { keepsOutReplication } from '../firewall.ts'
import type { S3Action } from '../operation.ts'
import { allNames } from '../root-key-name.ts'
import { unsentRequest } from '../unsent-request.ts'
import { usesOfWrite, type WriteUses } from './write-uses.ts'

/** S3 asks replication for rights of its own; beside them nobody passes governance by who is not let to. */
const ALLOWED: ReadonlySet<S3Action> = new Set<S3Action>([
  ...(['s3:GetObjectVersionForReplication', 's3:ReplicateObject', 's3:ReplicateDelete'] as const),
  's3:BypassGovernanceRetention',
])

/** Decides like a request of whoever ordered it, for each object anew, and asks the firewall of each bucket. */
export function replicationRights(options: {
  readonly objects: () => Promise<Pick<Objects, 'onBehalfOf' | 'buckets' | 'configurationOf' | 'document'>>
  readonly iam: Pick<Iam, 'decide' | 'owner' | 'mandates'>
  readonly clock: Clock
  readonly region: string
}): ReplicationRights {
  const { objects, iam, clock, region } = options

  /** Of a write, it tells what a request that wrote it would say. */
  const asked = async (principal: Principal, { operation, request, uses }: WriteUses, names?: RootKeyNames) => {
    const store = await objects()
    const asker = { iamId: principal.iamId, action: 'store.replication', requestId: request.id }
    const { decide, denies } = authoriser(
      {
        ...{ request, principal, isForm: false, operation, sourceIp: undefined },
        requestTags: () => tagsOfRequest({ operation, request }),
        rootKeyNames: async (keyName) => names?.(keyName) ?? [keyName],
        ...{ objects: store, service: () => store.onBehalfOf(asker) },
      },
      { iam, clock, region },
    )
    for (const use of uses) {
      const may = ALLOWED.has(use.action) ? (await decide(use)).allowed : !(await denies(use))
      if (!may) return use.action
    }
    return undefined
  }

  return async (orderedBy, use) => {
    const store = await objects()
    const bucket = store.buckets.get(use.bucket)
    if (keepsOutReplication(store.configurationOf(bucket).firewall)) return 'pass the firewall of a bucket'
    const principal = iam.mandates.principal(orderedBy)
    if (!principal) return 'do anything any more'
    if ('does' in use) {
      const names = (keyName: string) =>
        use.does === 'PutObject' ? allNames(keyName, use.rootKeyCrn, region) : undefined
      return await asked(principal, usesOfWrite(use), names)
    }
    if ('action' in use) {
      return await asked(principal, { operation: READING, request: unsentRequest(), uses: [use] })
    }
    const bucketAccountId = parseCrn(bucket.serviceInstanceCrn).account
    const mayUse = mayUseRootKey(iam, principal, { rootKeyCrn: use.rootKeyCrn, bucketAccountId })
    return mayUse ? undefined : `use the key ${use.rootKeyCrn}`
  }
}

type RootKeyNames = (keyName: string) => readonly string[] | undefined

/** It reads like no operation. */
const READING = { name: 'Replication' } as const
