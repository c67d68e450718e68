import { formatCrn } from '../../src/base/crn.ts'
import type { Iam } from '../../src/iam/iam.ts'
import type { Instance } from '../../src/iam/instances.ts'
import type { Principal, ServicePrincipal, UserPrincipal } from '../../src/iam/principal.ts'
import { roleAllows } from '../../src/iam/role-actions.ts'
import { SYSTEM_ACCOUNT_ID } from '../../src/iam/system.ts'
import type { KmsAudit, KmsAuditEvent } from '../../src/kms/call-record.ts'
import type { KmsCaller } from '../../src/kms/door.ts'
import type { KeyDamage } from '../../src/kms/load-catalog.ts'
import { type KmsService, openKms } from '../../src/kms/service.ts'
import { DEFAULT_KMS_SETTINGS, type KmsSettings } from '../../src/kms/settings.ts'
import { noAudit } from '../../src/observe/audit-trail.ts'
import { memoryStore } from '../../src/storage/metadata/memory-store.ts'
import type { MetadataStore } from '../../src/storage/metadata/metadata-store.ts'

export const ACCOUNT = 'a'.repeat(32)
export const KMS_INSTANCE = '11111111-1111-4111-8111-111111111111'
export const STORAGE_INSTANCE = '22222222-2222-4222-8222-222222222222'

export const MANAGER: UserPrincipal = {
  type: 'user',
  iamId: 'IBMid-manager',
  accountId: ACCOUNT,
  roles: { kms: 'Manager' },
  name: 'Manager',
  email: 'manager@example.com',
}
/** Users of the same account with other rights. */
export const OTHER_MANAGER: UserPrincipal = { ...MANAGER, iamId: 'IBMid-other-manager' }
export const WRITER: UserPrincipal = { ...MANAGER, iamId: 'IBMid-writer', roles: { kms: 'Writer' } }
export const READER_PLUS: UserPrincipal = { ...MANAGER, iamId: 'IBMid-reader-plus', roles: { kms: 'ReaderPlus' } }
export const READER: UserPrincipal = { ...MANAGER, iamId: 'IBMid-reader', roles: { kms: 'Reader' } }
export const PURGER: UserPrincipal = { ...MANAGER, iamId: 'IBMid-purger', roles: { kms: 'KeyPurge' } }
/** Manager of one key ring and of nothing else. */
export const RING_MANAGER: UserPrincipal = { ...MANAGER, iamId: 'IBMid-ring-manager' }
export const MANAGED_RING = 'team'
export const STRANGER: UserPrincipal = { ...MANAGER, iamId: 'IBMid-stranger', accountId: 'b'.repeat(32) }

export function storageService(instance = STORAGE_INSTANCE): ServicePrincipal {
  const crn = storageCrn(instance)
  return {
    type: 'service',
    iamId: `crn-${crn}`,
    accountId: ACCOUNT,
    serviceName: 'cloud-object-storage',
    serviceInstance: instance,
  }
}

export const storageCrn = (instance = STORAGE_INSTANCE): string =>
  formatCrn({ service: 'cloud-object-storage', region: 'global', account: ACCOUNT, instance })

export const bucketCrn = (bucket: string, instance = STORAGE_INSTANCE): string =>
  formatCrn({
    service: 'cloud-object-storage',
    region: 'global',
    account: ACCOUNT,
    instance,
    resourceType: 'bucket',
    resource: bucket,
  })

type SimpleIam = Parameters<typeof openKms>[0]['iam']

export interface KmsWorld {
  readonly kms: KmsService
  readonly store: MetadataStore
  readonly iam: SimpleIam
  readonly events: KmsAuditEvent[]
  /** Told at the start. */
  readonly damages: KeyDamage[]
  /** Storage instances that may act as Reader on KMS_INSTANCE; change it to give and take the authorization. */
  readonly authorized: Set<string>
  readonly caller: KmsCaller
  readonly serviceCaller: KmsCaller
  readonly passTime: (ms: number) => void
  /** Closes and opens again over the same store and time. */
  readonly reopen: () => Promise<KmsWorld>
}

export interface WorldOptions {
  readonly store?: MetadataStore
  readonly settings?: Partial<KmsSettings>
  readonly clock?: { time: number }
  readonly authorized?: Set<string>
  readonly sealingKey?: Buffer
  /** Makes recording fail or wait. */
  readonly audit?: Partial<Omit<KmsAudit, 'record'>>
}

/** A key management service with identities as simple as can be: the rules of the real ones are tested with them. */
export async function kmsWorld(options: WorldOptions = {}): Promise<KmsWorld> {
  const {
    store = memoryStore(),
    settings = {},
    clock = { time: Date.UTC(2030, 0, 1) },
    authorized = new Set([STORAGE_INSTANCE]),
    sealingKey = Buffer.alloc(32, 7),
  } = options
  const events: KmsAuditEvent[] = []
  const damages: KeyDamage[] = []
  const iam = simpleIam(authorized)
  const kms = await openKms({
    store,
    sealingKey,
    iam,
    clock: { now: () => clock.time },
    settings: { ...DEFAULT_KMS_SETTINGS, importTokenKeyBits: 2048, ...settings },
    onDamage: (damage) => void damages.push(damage),
    audit: { ...noAudit, ...options.audit, record: (event) => void events.push(event) },
  })
  return {
    kms,
    store,
    iam,
    events,
    damages,
    authorized,
    caller: { principal: MANAGER, instanceGuid: KMS_INSTANCE, origin: 'wire' },
    serviceCaller: { principal: storageService(), instanceGuid: KMS_INSTANCE, origin: 'process' },
    passTime: (ms) => {
      clock.time += ms
    },
    reopen: () => {
      kms.close()
      return kmsWorld({ store, settings, clock, authorized, sealingKey })
    },
  }
}

function simpleIam(authorized: ReadonlySet<string>): SimpleIam {
  const instances = new Map<string, Instance>()
  const declare = (accountId: string, guid: string, region: string): Instance => {
    const crn = formatCrn({ service: 'kms', region, account: accountId, instance: guid })
    const instance: Instance = { crn, guid, service: 'kms', region, accountId, name: 'keys' }
    instances.set(guid, instance)
    return instance
  }
  declare(ACCOUNT, KMS_INSTANCE, 'us-south')
  return {
    instance: (guid) => instances.get(guid),
    declareSystemInstance: ({ guid, region }) => declare(SYSTEM_ACCOUNT_ID, guid, region),
    declareSystemAuthorization: () => {},
    decide: (principal, action, target) => ({
      allowed: allowed(authorized, principal, action, target),
      reason: 'test',
    }),
  }
}

function allowed(
  authorized: ReadonlySet<string>,
  principal: Principal,
  ...[action, target]: [Parameters<Iam['decide']>[1], Parameters<Iam['decide']>[2]]
): boolean {
  if (principal.type === 'service') {
    if (!roleAllows('kms', 'Reader', action)) return false
    return target.accountId === SYSTEM_ACCOUNT_ID || authorized.has(principal.serviceInstance)
  }
  const role = principal.roles.kms
  if (role === undefined || principal.accountId !== target.accountId || !roleAllows('kms', role, action)) return false
  return principal.iamId !== RING_MANAGER.iamId || target.keyRing === MANAGED_RING
}

export async function rootKey({ kms, caller }: KmsWorld, name = 'root key'): Promise<string> {
  const { key } = await kms.createKey(caller, { name, extractable: false })
  return key.record.id
}
