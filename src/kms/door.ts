import { hasCode } from '../base/errors.ts'
import { isUuid } from '../base/ids.ts'
import type { KmsAction } from '../iam/actions.ts'
import type { Iam } from '../iam/iam.ts'
import type { Instance } from '../iam/instances.ts'
import type { Principal } from '../iam/principal.ts'
import { SYSTEM_ACCOUNT_ID } from '../iam/system.ts'
import type { Target } from '../iam/target.ts'
import type { Catalog } from './catalog.ts'
import type { Actor } from './context.ts'
import { type KmsErrorCode, kmsError } from './errors.ts'
import type { InstanceBook } from './instance-book.ts'
import { DEFAULT_RING } from './key-rings.ts'
import type { NetworkGuard } from './network-guard.ts'

export interface KmsCaller {
  readonly principal: Principal
  /** GUID of the key management instance. */
  readonly instanceGuid: string
  readonly correlationId?: string
  /** `process`: a service of this server. The server's own instance is closed to everything that came over a wire. */
  readonly origin: 'wire' | 'process'
  /** Where a caller over a wire is. */
  readonly address?: string
  /** Only keys of this ring are there for this call; a new key goes into it. */
  readonly keyRing?: string
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
  readonly keyRing?: string
  readonly correlationId?: string
}

export interface Admitted {
  readonly actor: Actor
  readonly instance: Instance
  /** A further right that the call needs. Throws Unauthorized. */
  readonly require: (action: KmsAction, subject: Subject) => void
}

export interface AdmittedToList extends Admitted {
  /** Whether the caller may see the keys of this ring, and asked for them. */
  readonly sees: (ring: string) => boolean
}

/** What a call is about: a key by its id or alias, a key ring, or the instance as a whole. */
export type Subject = string | { readonly keyRing: string } | undefined

/** How a caller is let in: by what IAM decides, or, a service, by its identity alone, which `act` then judges. */
export type Entrance = 'authorized' | 'identified'

/** Authorise → act → audit, for every call of the service. */
export interface Door {
  readonly now: <T>(caller: KmsCaller, action: KmsAction, subject: Subject, act: (admitted: Admitted) => T) => T
  readonly later: <T>(
    caller: KmsCaller,
    action: KmsAction,
    subject: Subject,
    act: (admitted: Admitted) => Promise<T>,
    entrance?: Entrance,
  ) => Promise<T>
  /** About all keys that the caller may see: those of the whole instance, or those of some rings. */
  readonly list: <T>(caller: KmsCaller, action: KmsAction, act: (admitted: AdmittedToList) => T) => T
  /** For questions that are asked all the time: only refusals are audited. */
  readonly quietly: <T>(caller: KmsCaller, action: KmsAction, key: string, act: (admitted: Admitted) => T) => T
  /** What the service does by itself: audited under its instance's name. */
  readonly byItself: (action: KmsAction, instanceId: string, key: string, act: () => Promise<void>) => Promise<void>
}

export interface DoorOptions {
  readonly iam: Pick<Iam, 'decide' | 'instance'>
  readonly catalog: Catalog
  readonly instances: InstanceBook
  readonly network: NetworkGuard
  readonly now: () => number
  readonly audit: (event: KmsAuditEvent) => void
}

type Asking = Pick<KmsCaller, 'instanceGuid' | 'correlationId'> & { readonly iamId: string }

export function createDoor({ iam, catalog, instances, network, now, audit }: DoorOptions): Door {
  const report = (asking: Asking, action: KmsAction, subject: Subject, error?: unknown, reason?: string): void =>
    audit({
      atMs: now(),
      action,
      outcome: error === undefined ? 'success' : 'failure',
      ...(error === undefined ? {} : { code: hasCode<KmsErrorCode>(error) ? error.code : 'Unexpected' }),
      ...(reason === undefined ? {} : { reason }),
      iamId: asking.iamId,
      instance: asking.instanceGuid,
      ...(typeof subject === 'string' ? { key: subject } : subject),
      ...(asking.correlationId === undefined ? {} : { correlationId: asking.correlationId }),
    })
  const askingOf = ({ principal, ...caller }: KmsCaller): Asking => ({ ...caller, iamId: principal.iamId })

  const instanceFor = ({ instanceGuid, origin }: KmsCaller): Instance | undefined => {
    const instance = isUuid(instanceGuid) ? iam.instance(instanceGuid.toLowerCase()) : undefined
    if (instance?.service !== 'kms') return undefined
    return instance.accountId === SYSTEM_ACCOUNT_ID && origin === 'wire' ? undefined : instance
  }

  const refused = (caller: KmsCaller, action: KmsAction, subject: Subject, code: KmsErrorCode, reason?: string) => {
    const error = kmsError(code, MESSAGES[code] ?? 'no right to do this')
    report(askingOf(caller), action, subject, error, reason)
    return error
  }

  /** Throws InstanceNotFound, or Unauthorized for a caller whom the instance's network policies keep out. */
  const enter = (caller: KmsCaller, action: KmsAction, subject: Subject): Instance => {
    const instance = instanceFor(caller)
    if (!instance) throw refused(caller, action, subject, 'InstanceNotFound')
    const barrier = network.barrierTo(caller, instance.guid)
    if (barrier !== undefined) throw refused(caller, action, subject, 'Unauthorized', barrier)
    return instance
  }

  const decide = (caller: KmsCaller, action: KmsAction, { accountId, guid }: Instance, about: Partial<Target>) =>
    iam.decide(caller.principal, action, { service: 'kms', accountId, instance: guid, ...about })

  const aboutOf = (caller: KmsCaller, { guid }: Instance, subject: Subject): Partial<Target> => {
    if (typeof subject !== 'string') return subject ?? {}
    const entry = catalog.find(guid, subject)
    const keyRing = entry?.record.keyRingId ?? caller.keyRing ?? DEFAULT_RING
    return { resourceType: 'key', resource: entry?.id ?? subject, keyRing }
  }

  const authorise = (caller: KmsCaller, action: KmsAction, instance: Instance, subject: Subject): void => {
    const decision = decide(caller, action, instance, aboutOf(caller, instance, subject))
    if (!decision.allowed) throw refused(caller, action, subject, 'Unauthorized', decision.reason)
  }

  /** Key Protect: with a ring in the request, keys of other rings are not there. */
  const checkRing = (caller: KmsCaller, action: KmsAction, { guid }: Instance, subject: Subject): void => {
    const { keyRing } = caller
    if (keyRing === undefined || subject === undefined) return
    if (!instances.hasRing(guid, keyRing)) throw refused(caller, action, subject, 'KeyRingNotFound')
    const entry = typeof subject === 'string' ? catalog.find(guid, subject) : undefined
    if (entry && entry.record.keyRingId !== keyRing) throw refused(caller, action, subject, 'KeyNotFound')
  }

  const admittedTo = (caller: KmsCaller, instance: Instance): Admitted => ({
    actor: { iamId: caller.principal.iamId, instanceId: instance.guid },
    instance,
    require: (action, subject) => authorise(caller, action, instance, subject),
  })

  /** Throws InstanceNotFound, Unauthorized, KeyRingNotFound, KeyNotFound. */
  const admit = (caller: KmsCaller, action: KmsAction, subject: Subject, entrance: Entrance = 'authorized') => {
    const instance = enter(caller, action, subject)
    if (entrance === 'authorized' || caller.principal.type !== 'service') authorise(caller, action, instance, subject)
    checkRing(caller, action, instance, subject)
    return admittedTo(caller, instance)
  }

  const admitToList = (caller: KmsCaller, action: KmsAction): AdmittedToList => {
    const { keyRing } = caller
    const subject = keyRing === undefined ? undefined : { keyRing }
    const instance = enter(caller, action, subject)
    if (subject) {
      authorise(caller, action, instance, subject)
      checkRing(caller, action, instance, subject)
      return { ...admittedTo(caller, instance), sees: (ring) => ring === keyRing }
    }
    const whole = decide(caller, action, instance, {})
    if (whole.allowed) return { ...admittedTo(caller, instance), sees: () => true }
    const rings = [DEFAULT_RING, ...instances.ringsOf(instance.guid).keys()]
    const seen = new Set(rings.filter((ring) => decide(caller, action, instance, { keyRing: ring }).allowed))
    if (seen.size === 0) throw refused(caller, action, subject, 'Unauthorized', whole.reason)
    return { ...admittedTo(caller, instance), sees: (ring) => seen.has(ring) }
  }

  const audited = <T>(asking: Asking, action: KmsAction, subject: Subject, act: () => T): T => {
    try {
      const result = act()
      report(asking, action, subject)
      return result
    } catch (error) {
      report(asking, action, subject, error)
      throw error
    }
  }

  const auditedLater = async <T>(
    asking: Asking,
    action: KmsAction,
    subject: Subject,
    act: () => Promise<T>,
  ): Promise<T> => {
    try {
      const result = await act()
      report(asking, action, subject)
      return result
    } catch (error) {
      report(asking, action, subject, error)
      throw error
    }
  }

  return {
    quietly: (caller, action, key, act) => {
      const admitted = admit(caller, action, key)
      try {
        return act(admitted)
      } catch (error) {
        report(askingOf(caller), action, key, error)
        throw error
      }
    },
    now: (caller, action, subject, act) => {
      const admitted = admit(caller, action, subject)
      return audited(askingOf(caller), action, subject, () => act(admitted))
    },
    later: async (caller, action, subject, act, entrance) => {
      const admitted = admit(caller, action, subject, entrance)
      return auditedLater(askingOf(caller), action, subject, () => act(admitted))
    },
    list: (caller, action, act) => {
      const admitted = admitToList(caller, action)
      const { keyRing } = caller
      return audited(askingOf(caller), action, keyRing === undefined ? undefined : { keyRing }, () => act(admitted))
    },
    byItself: (action, instanceId, key, act) => {
      const crn = iam.instance(instanceId)?.crn
      return auditedLater(
        { iamId: crn === undefined ? 'kms' : `crn-${crn}`, instanceGuid: instanceId },
        action,
        key,
        act,
      )
    },
  }
}

const MESSAGES: Readonly<Partial<Record<KmsErrorCode, string>>> = {
  InstanceNotFound: 'no such key management instance',
  KeyRingNotFound: 'the key ring does not exist',
  KeyNotFound: 'the key does not exist',
}
