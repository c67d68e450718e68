import { once } from 'node:events'
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import { createControlListener } from '../../src/api/common/listener.ts'
import { iamApis } from '../../src/api/iam/apis.ts'
import { keyProtectApi } from '../../src/api/key-protect/api.ts'
import { parseCrn } from '../../src/base/crn.ts'
import { newUuid } from '../../src/base/ids.ts'
import { type Iam, openIam } from '../../src/iam/iam.ts'
import type { KmsAuditEvent } from '../../src/kms/call-record.ts'
import type { KmsCaller } from '../../src/kms/door.ts'
import { type KmsService, openKms } from '../../src/kms/service.ts'
import { DEFAULT_KMS_SETTINGS } from '../../src/kms/settings.ts'
import { noAudit } from '../../src/observe/audit-trail.ts'
import { memoryStore } from '../../src/storage/metadata/memory-store.ts'
import type { TestCertificates } from './certificate.ts'
import { ACCOUNT, MANAGER } from './kms-world.ts'

export const API_KEY = 'test-api-key-of-the-store-0123456789abcdef'

/** Takes over a request that it answers; false leaves it to the service. */
export type Interception = (incoming: IncomingMessage, response: ServerResponse) => boolean

/** Key Protect and IAM as Coffer serves them, over real HTTP or HTTPS, with levers on both and on the network. */
export interface KeyService {
  readonly url: string
  readonly iam: Iam
  readonly kms: KmsService
  readonly manager: KmsCaller
  /** Of the Key Protect instance. */
  readonly instance: string
  readonly events: readonly KmsAuditEvent[]
  /** `METHOD /path` of everything that came in. */
  readonly requests: string[]
  readonly newKey: (more?: { readonly extractable?: boolean; readonly expiresAt?: number }) => Promise<string>
  readonly newServiceInstance: () => Promise<string>
  readonly authorize: (serviceInstanceCrn: string) => Promise<void>
  readonly revoke: (serviceInstanceCrn: string) => Promise<void>
  readonly intercept: (by: Interception | undefined) => void
  /** No more connections, and those that are there are reset. */
  readonly disconnect: () => Promise<void>
  readonly reconnect: () => Promise<void>
  readonly now: () => number
  readonly passTime: (ms: number) => void
  readonly close: () => Promise<void>
}

/** `mutual`: clients have to show a certificate of the same authority. */
export async function startKeyService(certificates?: TestCertificates, mutual = false): Promise<KeyService> {
  const store = memoryStore()
  const events: KmsAuditEvent[] = []
  const requests: string[] = []
  const instance = newUuid()
  let passedMs = 0
  const clock = { now: () => Date.now() + passedMs }
  const secrets = { secretKey: Buffer.alloc(32, 1), tokenKey: Buffer.alloc(32, 2), issuer: 'https://iam.example' }
  const iam = await openIam({ store, clock, ...secrets })
  const owned = { accountId: ACCOUNT }
  await iam.identities.putAccount({ id: ACCOUNT, name: 'main' })
  await iam.identities.putInstance({ ...owned, service: 'kms', guid: instance, name: 'keys', region: 'us-south' })
  const user = { ...owned, iamId: MANAGER.iamId, name: 'Store', email: 'store@example.com' }
  await iam.identities.putUser({ ...user, roles: { kms: 'Manager', iam: 'Administrator' } })
  await iam.identities.putApiKey(user, API_KEY)
  const settings = { ...DEFAULT_KMS_SETTINGS, enableDelayMs: 0, restoreDelayMs: 0, rotateIntervalMs: 0 }
  const audit = { ...noAudit, record: (event: KmsAuditEvent) => void events.push(event) }
  const kms = await openKms({ store, sealingKey: Buffer.alloc(32, 3), iam, clock, settings, audit })
  const manager: KmsCaller = { principal: MANAGER, instanceGuid: instance, origin: 'wire' }

  const control = createControlListener({
    apis: [...iamApis(iam, { inUse: () => false }), keyProtectApi({ kms, verifyToken: iam.verifyToken })],
    health: { live: () => ({ ok: true }), ready: () => ({ ok: true }) },
    logger: { info: () => {}, error: () => {} },
  })
  let interception: Interception | undefined
  const handler = (incoming: IncomingMessage, response: ServerResponse): void => {
    requests.push(`${incoming.method} ${incoming.url}`)
    if (interception?.(incoming, response)) return
    control.server.emit('request', incoming, response)
  }
  const clients = mutual ? { requestCert: true, rejectUnauthorized: true, ca: certificates?.ca } : {}
  const server = certificates
    ? createHttpsServer({ cert: certificates.cert, key: certificates.key, ...clients }, handler)
    : createHttpServer(handler)
  let port = 0
  const listen = async (): Promise<void> => {
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    if (typeof address === 'object' && address !== null) port = address.port
  }
  const disconnect = async (): Promise<void> => {
    if (!server.listening) return
    server.close()
    server.closeAllConnections()
    await once(server, 'close')
  }
  await listen()
  const authorizations = new Map<string, string>()

  return {
    url: `${certificates ? 'https' : 'http'}://127.0.0.1:${port}`,
    iam,
    kms,
    manager,
    instance,
    events,
    requests,
    newKey: async (more = {}) => (await kms.createKey(manager, { name: 'a key', extractable: false, ...more })).key.crn,
    newServiceInstance: async () => {
      const declared = { service: 'cloud-object-storage', guid: newUuid(), name: 'objects', region: 'global' } as const
      return (await iam.identities.putInstance({ ...owned, ...declared })).crn
    },
    authorize: async (crn) => {
      const draft = {
        ...owned,
        source: { serviceName: 'cloud-object-storage', accountId: ACCOUNT, serviceInstance: parseCrn(crn).instance },
        target: { serviceName: 'kms', serviceInstance: { value: instance, operator: 'stringEquals' } },
        roles: ['Reader'],
      } as const
      authorizations.set(crn, (await iam.authorizations.create(draft, MANAGER.iamId)).id)
    },
    revoke: (crn) => iam.authorizations.delete(authorizations.get(crn) ?? '', MANAGER.iamId),
    intercept: (by) => {
      interception = by
    },
    disconnect,
    reconnect: listen,
    now: clock.now,
    passTime: (ms) => {
      passedMs += ms
    },
    close: async () => {
      await disconnect()
      kms.close()
    },
  }
}
