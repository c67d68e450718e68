import { hasCode } from '../base/errors.ts'
import { isUuid } from '../base/ids.ts'
import type { KmsAction } from '../iam/actions.ts'
import type { Iam } from '../iam/iam.ts'
import type { Instance } from '../iam/instances.ts'
import type { Principal } from '../iam/principal.ts'
import { SYSTEM_ACCOUNT_ID } from '../iam/system.ts'
import type { Catalog } from './catalog.ts'
import type { Actor } from './context.ts'
import { type KmsErrorCode, kmsError } from './errors.ts'

export interface KmsCaller {
  readonly principal: Principal
  /** GUID of the key management instance. */
  readonly instanceGuid: string
  readonly correlationId?: string
  /** `process`: a service of this server. The server's own instance is closed to everything that came over a wire. */
  readonly origin: 'wire' | 'process'
}

export interface KmsAuditEvent {
  readonly atMs: number
  readonly action: KmsAction
  readonly outcome: 'success' | 'failure'
  readonly code?: KmsErrorCode | 'Unexpected'
  /** Why the caller was let in or not: names roles and authorizations. */
  readonly reason?: string
  readonly iamId: string
  readonly instance: string
  /** As asked for: an id or an alias. */
  readonly key?: string
  readonly correlationId?: string
}

export interface Admitted {
  readonly actor: Actor
  readonly instance: Instance
}

/** How a caller is let in: by what IAM decides, or, a service, by its identity alone, which `act` then judges. */
export type Entrance = 'authorized' | 'identified'

/** Authorise → act → audit, for every call of the service. */
export interface Door {
  readonly now: <T>(caller: KmsCaller, action: KmsAction, key: string | undefined, act: (admitted: Admitted) => T) => T
  readonly later: <T>(
    caller: KmsCaller,
    action: KmsAction,
    key: string | undefined,
    act: (admitted: Admitted) => Promise<T>,
    entrance?: Entrance,
  ) => Promise<T>
  /** For questions that are asked all the time: only refusals are audited. */
  readonly quietly: <T>(caller: KmsCaller, action: KmsAction, key: string, act: (admitted: Admitted) => T) => T
}

export interface DoorOptions {
  readonly iam: Pick<Iam, 'decide' | 'instance'>
  readonly catalog: Catalog
  readonly now: () => number
  readonly audit: (event: KmsAuditEvent) => void
}

export function createDoor({ iam, catalog, now, audit }: DoorOptions): Door {
  const report = (
    caller: KmsCaller,
    action: KmsAction,
    key: string | undefined,
    error?: unknown,
    reason?: string,
  ): void =>
    audit({
      atMs: now(),
      action,
      outcome: error === undefined ? 'success' : 'failure',
      ...(error === undefined ? {} : { code: hasCode<KmsErrorCode>(error) ? error.code : 'Unexpected' }),
      ...(reason === undefined ? {} : { reason }),
      iamId: caller.principal.iamId,
      instance: caller.instanceGuid,
      ...(key === undefined ? {} : { key }),
      ...(caller.correlationId === undefined ? {} : { correlationId: caller.correlationId }),
    })

  const instanceFor = ({ instanceGuid, origin }: KmsCaller): Instance | undefined => {
    const instance = isUuid(instanceGuid) ? iam.instance(instanceGuid.toLowerCase()) : undefined
    if (instance?.service !== 'kms') return undefined
    return instance.accountId === SYSTEM_ACCOUNT_ID && origin === 'wire' ? undefined : instance
  }

  /** Throws InstanceNotFound or Unauthorized. */
  const admit = (
    caller: KmsCaller,
    action: KmsAction,
    key: string | undefined,
    entrance: Entrance = 'authorized',
  ): Admitted => {
    const instance = instanceFor(caller)
    if (!instance) {
      const error = kmsError('InstanceNotFound', 'no such key management instance')
      report(caller, action, key, error)
      throw error
    }
    const { accountId, guid } = instance
    const admitted = { actor: { iamId: caller.principal.iamId, instanceId: guid }, instance }
    if (entrance === 'identified' && caller.principal.type === 'service') return admitted
    const about =
      key === undefined ? {} : { resourceType: 'key', resource: catalog.find(guid, key)?.id ?? key, keyRing: 'default' }
    const decision = iam.decide(caller.principal, action, { service: 'kms', accountId, instance: guid, ...about })
    if (!decision.allowed) {
      const error = kmsError('Unauthorized', 'no right to do this')
      report(caller, action, key, error, decision.reason)
      throw error
    }
    return admitted
  }

  return {
    quietly: (caller, action, key, act) => {
      const admitted = admit(caller, action, key)
      try {
        return act(admitted)
      } catch (error) {
        report(caller, action, key, error)
        throw error
      }
    },
    now: (caller, action, key, act) => {
      const admitted = admit(caller, action, key)
      try {
        const result = act(admitted)
        report(caller, action, key)
        return result
      } catch (error) {
        report(caller, action, key, error)
        throw error
      }
    },
    later: async (caller, action, key, act, entrance) => {
      const admitted = admit(caller, action, key, entrance)
      try {
        const result = await act(admitted)
        report(caller, action, key)
        return result
      } catch (error) {
        report(caller, action, key, error)
        throw error
      }
    },
  }
}
