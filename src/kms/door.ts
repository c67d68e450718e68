import { isUuid } from '../base/ids.ts'
import type { KmsAction } from '../iam/actions.ts'
import { type Decision, deny } from '../iam/decide.ts'
import type { Iam } from '../iam/iam.ts'
import type { Instance } from '../iam/instances.ts'
import type { Principal } from '../iam/principal.ts'
import { SYSTEM_ACCOUNT_ID } from '../iam/system.ts'
import type { Target } from '../iam/target.ts'
import { type CallFacts, CallRecord, type KmsAudit, ringOf, type Subject } from './call-record.ts'
import type { Catalog, KeyEntry } from './catalog.ts'
import type { Actor } from './context.ts'
import { type KmsErrorCode, kmsError } from './errors.ts'
import type { InstanceBook } from './instance-book.ts'
import { DEFAULT_RING } from './key-rings.ts'
import { keyCrn } from './key-view.ts'
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

export interface Admitted {
  readonly actor: Actor
  readonly instance: Instance
  /** A further right that the call needs. Throws Unauthorized. */
  readonly require: (action: KmsAction, subject: Subject) => void
  /** For the audit event of this call. */
  readonly note: (facts: CallFacts) => void
}

export interface AdmittedToList extends Admitted {
  /** Whether the caller may see the keys of this ring, and asked for them. */
  readonly sees: (ring: string) => boolean
}

/** How a caller is let in: by what IAM decides, or, a service, by its identity alone, which `act` then judges. */
export type Entrance = 'authorized' | 'identified'

/**
 * Authorise → act → audit, for every call of the service. Nothing is begun that could not be recorded: AuditUnavailable.
 * After a change it means that the change was made and that its record is not durable yet.
 */
export interface Door {
  /** Uses and reads of keys: recorded soon after. */
  readonly now: <T>(caller: KmsCaller, action: KmsAction, subject: Subject, act: (admitted: Admitted) => T) => T
  /** Changes: durably recorded before they are answered. */
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
  /** For an overview, which everybody gets of what he may see. Nothing is recorded; undefined where there is nothing to see. */
  readonly glance: <T>(
    caller: KmsCaller,
    action: KmsAction,
    act: (admitted: Pick<AdmittedToList, 'instance' | 'sees'>) => T,
  ) => T | undefined
  /** What a call would be told here, by a decision of IAM's that is noted nowhere. Nothing is done, so nothing is recorded. */
  readonly explain: (decideBy: Iam['explain'], caller: KmsCaller, action: KmsAction, subject: Subject) => Decision
  /** What the service does by itself: audited under its instance's name. */
  readonly byItself: (
    action: KmsAction,
    instanceId: string,
    key: string,
    act: (note: Admitted['note']) => Promise<void>,
  ) => Promise<void>
}

export interface DoorOptions {
  readonly iam: Pick<Iam, 'decide' | 'instance'>
  readonly catalog: Catalog
  readonly instances: InstanceBook
  readonly network: NetworkGuard
  readonly now: () => number
  readonly audit: KmsAudit
}

export function createDoor({ iam, catalog, instances, network, now, audit }: DoorOptions): Door {
  const told = { record: audit.record, now }
  const begin = (caller: KmsCaller, action: KmsAction, subject: Subject): CallRecord => {
    audit.ready()
    return new CallRecord(told, caller.principal.iamId, caller, action, subject)
  }

  const instanceFor = ({ instanceGuid, origin }: KmsCaller): Instance | undefined => {
    const instance = isUuid(instanceGuid) ? iam.instance(instanceGuid.toLowerCase()) : undefined
    if (instance?.service !== 'kms') return undefined
    return instance.accountId === SYSTEM_ACCOUNT_ID && origin === 'wire' ? undefined : instance
  }

  const refused = (record: CallRecord, code: KmsErrorCode, reason?: string) => {
    const error = kmsError(code, MESSAGES[code] ?? 'no right to do this')
    if (reason !== undefined) record.note({ reason })
    record.failed(error)
    return error
  }

  /** Throws InstanceNotFound, or Unauthorized for a caller whom the instance's network policies keep out. */
  const enter = (caller: KmsCaller, record: CallRecord): Instance => {
    const instance = instanceFor(caller)
    if (!instance) throw refused(record, 'InstanceNotFound')
    const barrier = network.barrierTo(caller, instance.guid)
    if (barrier !== undefined) throw refused(record, 'Unauthorized', barrier)
    return instance
  }

  const decide = (caller: KmsCaller, action: KmsAction, instance: Instance, about: Partial<Target>) =>
    iam.decide(caller.principal, action, targetIn(instance, about))

  const entryOf = ({ guid }: Instance, subject: Subject): KeyEntry | undefined =>
    typeof subject === 'string' ? catalog.find(guid, subject) : undefined

  const aboutOf = (caller: KmsCaller, subject: Subject, entry: KeyEntry | undefined): Partial<Target> => {
    if (typeof subject !== 'string') return aboutRing(subject)
    const keyRing = entry?.record.keyRingId ?? caller.keyRing ?? DEFAULT_RING
    return { resourceType: 'key', resource: entry?.id ?? subject, keyRing }
  }

  const authorise = (
    caller: KmsCaller,
    action: KmsAction,
    instance: Instance,
    subject: Subject,
    record: CallRecord,
    entry = entryOf(instance, subject),
  ): void => {
    const decision = decide(caller, action, instance, aboutOf(caller, subject, entry))
    if (!decision.allowed) throw refused(record, 'Unauthorized', decision.reason)
    record.note({ reason: decision.reason })
  }

  /** Key Protect: with a ring in the request, keys of other rings are not there. */
  const checkRing = ({ keyRing }: KmsCaller, { guid }: Instance, subject: Subject, record: CallRecord): void => {
    if (keyRing === undefined || subject === undefined) return
    if (!instances.hasRing(guid, keyRing)) throw refused(record, 'KeyRingNotFound')
    const entry = typeof subject === 'string' ? catalog.find(guid, subject) : undefined
    if (entry && entry.record.keyRingId !== keyRing) throw refused(record, 'KeyNotFound')
  }

  const requireOf =
    (caller: KmsCaller, instance: Instance): Admitted['require'] =>
    (action, subject) =>
      authorise(caller, action, instance, subject, begin(caller, action, subject))

  /** Each member is made when it is asked for: a question that is put all the time wants none of them. */
  class Admission implements Admitted {
    readonly instance: Instance
    readonly #caller: KmsCaller
    readonly #record: CallRecord

    constructor(caller: KmsCaller, instance: Instance, record: CallRecord) {
      this.instance = instance
      this.#caller = caller
      this.#record = record
    }

    get actor(): Actor {
      return { iamId: this.#caller.principal.iamId, instanceId: this.instance.guid }
    }

    get require(): Admitted['require'] {
      return requireOf(this.#caller, this.instance)
    }

    get note(): Admitted['note'] {
      return (facts) => this.#record.note(facts)
    }
  }

  /** Throws InstanceNotFound, Unauthorized, KeyRingNotFound, KeyNotFound. */
  const admit = (
    caller: KmsCaller,
    action: KmsAction,
    subject: Subject,
    record: CallRecord,
    entrance: Entrance = 'authorized',
  ): Admitted => {
    const instance = enter(caller, record)
    const entry = entryOf(instance, subject)
    if (entry) record.noteKey(instance, entry.id)
    if (entrance === 'authorized' || caller.principal.type !== 'service') {
      authorise(caller, action, instance, subject, record, entry)
    } else {
      record.note({ reason: 'the identity of the service' })
    }
    checkRing(caller, instance, subject, record)
    return new Admission(caller, instance, record)
  }

  const admitToList = (caller: KmsCaller, action: KmsAction, record: CallRecord): AdmittedToList => {
    const { keyRing } = caller
    const instance = enter(caller, record)
    if (keyRing !== undefined) {
      authorise(caller, action, instance, { keysIn: keyRing }, record)
      checkRing(caller, instance, { keyRing }, record)
      return seeing(new Admission(caller, instance, record), (ring) => ring === keyRing)
    }
    const whole = decide(caller, action, instance, { resourceType: 'key' })
    record.note({ reason: whole.reason })
    if (whole.allowed) return seeing(new Admission(caller, instance, record), () => true)
    const decisions = [DEFAULT_RING, ...instances.ringsOf(instance.guid).keys()].map((ring) => ({
      ring,
      decision: decide(caller, action, instance, aboutRing({ keysIn: ring })),
    }))
    const allowed = decisions.filter(({ decision }) => decision.allowed)
    if (allowed.length === 0) throw refused(record, 'Unauthorized')
    record.note({ reason: [...new Set(allowed.map(({ decision }) => decision.reason))].join(', ') })
    const seen = new Set(allowed.map(({ ring }) => ring))
    return seeing(new Admission(caller, instance, record), (ring) => seen.has(ring))
  }

  const attempt = <T>(record: CallRecord, act: () => T): T => {
    try {
      return act()
    } catch (error) {
      record.failed(error)
      throw error
    }
  }

  const audited = <T>(record: CallRecord, act: () => T): T => {
    const result = attempt(record, act)
    record.succeeded()
    return result
  }

  const auditedLater = async <T>(record: CallRecord, act: () => Promise<T>): Promise<T> => {
    let result: T
    try {
      result = await act()
    } catch (error) {
      record.failed(error)
      throw error
    }
    record.succeeded()
    await audit.settled()
    return result
  }

  return {
    quietly: (caller, action, key, act) => {
      const record = begin(caller, action, key)
      const admitted = admit(caller, action, key, record)
      return attempt(record, () => act(admitted))
    },
    now: (caller, action, subject, act) => {
      const record = begin(caller, action, subject)
      const admitted = admit(caller, action, subject, record)
      return audited(record, () => act(admitted))
    },
    later: async (caller, action, subject, act, entrance) => {
      const record = begin(caller, action, subject)
      const admitted = admit(caller, action, subject, record, entrance)
      return auditedLater(record, () => act(admitted))
    },
    list: (caller, action, act) => {
      const { keyRing } = caller
      const record = begin(caller, action, keyRing === undefined ? undefined : { keyRing })
      const admitted = admitToList(caller, action, record)
      return audited(record, () => act(admitted))
    },
    glance: (caller, action, act) => {
      const instance = instanceFor(caller)
      if (!instance || network.barrierTo(caller, instance.guid) !== undefined) return undefined
      const isWhole = decide(caller, action, instance, { resourceType: 'key' }).allowed
      const sees = (ring: string) => isWhole || decide(caller, action, instance, aboutRing({ keysIn: ring })).allowed
      return act({ instance, sees })
    },
    explain: (decideBy, caller, action, subject) => {
      const instance = instanceFor(caller)
      if (!instance) return deny(MESSAGES['InstanceNotFound'] ?? '')
      const barrier = network.barrierTo(caller, instance.guid)
      if (barrier !== undefined) return deny(barrier)
      const about = aboutOf(caller, subject, entryOf(instance, subject))
      return decideBy(caller.principal, action, targetIn(instance, about))
    },
    byItself: async (action, instanceId, key, act) => {
      audit.ready()
      const instance = iam.instance(instanceId)
      const iamId = instance === undefined ? 'kms' : `crn-${instance.crn}`
      const record = new CallRecord(told, iamId, { instanceGuid: instanceId }, action, key)
      record.note({ reason: 'work of the service', ...(instance ? { keyCrn: keyCrn(instance, key) } : {}) })
      return auditedLater(record, () => act((facts) => record.note(facts)))
    },
  }
}

const targetIn = ({ accountId, guid }: Instance, about: Partial<Target>): Target => ({
  ...{ service: 'kms', accountId, instance: guid },
  ...about,
})

const seeing = ({ actor, instance, require, note }: Admitted, sees: AdmittedToList['sees']): AdmittedToList => ({
  ...{ actor, instance, require, note },
  sees,
})

/** Keys in a ring are keys, also those that are not there yet: policies speak of them by `resourceType`. */
function aboutRing(subject: Exclude<Subject, string>): Partial<Target> {
  const keyRing = ringOf(subject)
  if (subject === undefined || keyRing === undefined) return {}
  return 'keysIn' in subject ? { resourceType: 'key', keyRing } : { keyRing }
}

const MESSAGES: Readonly<Partial<Record<KmsErrorCode, string>>> = {
  InstanceNotFound: 'no such key management instance',
  KeyRingNotFound: 'the key ring does not exist',
  KeyNotFound: 'the key does not exist',
}
