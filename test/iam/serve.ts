import { type ControlListener, createControlListener } from '../../src/api/common/listener.ts'
import { iamApis } from '../../src/api/iam/apis.ts'
import { applyBootstrap } from '../../src/iam/bootstrap.ts'
import { type Iam, openIam } from '../../src/iam/iam.ts'
import { memoryStore } from '../../src/storage/metadata/memory-store.ts'
import type { MetadataStore } from '../../src/storage/metadata/metadata-store.ts'
import { checkedApis } from '../support/published.ts'

export const ACCOUNT = 'a'.repeat(32)
export const OTHER_ACCOUNT = 'b'.repeat(32)
export const OBJECTS = '11111111-1111-4111-8111-111111111111'
export const KEYS = '22222222-2222-4222-8222-222222222222'
export const OTHER_OBJECTS = '33333333-3333-4333-8333-333333333333'
export const OTHER_KEYS = '44444444-4444-4444-8444-444444444444'
export const OBJECTS_CRN = `crn:v1:bluemix:public:cloud-object-storage:global:a/${ACCOUNT}:${OBJECTS}::`
export const OTHER_OBJECTS_CRN = `crn:v1:bluemix:public:cloud-object-storage:global:a/${OTHER_ACCOUNT}:${OTHER_OBJECTS}::`
export const ISSUER = 'https://iam.cloud.ibm.com/identity'

/** An administrator and a reader in one account, an administrator in another. */
export const BOOTSTRAP = {
  accounts: [
    {
      id: ACCOUNT,
      name: 'main',
      canonicalId: 'main-owner',
      instances: [
        { service: 'cloud-object-storage', id: OBJECTS, name: 'objects' },
        { service: 'kms', id: KEYS, name: 'keys', region: 'us-south' },
      ],
      users: [
        {
          iamId: 'IBMid-main',
          name: 'Main user',
          email: 'main@example.com',
          hmac: [{ accessKeyId: 'AK', secretAccessKey: 'SK' }],
          apiKeys: ['k1'],
        },
        {
          iamId: 'IBMid-reader',
          name: 'Reader',
          email: 'reader@example.com',
          hmac: [{ accessKeyId: 'AKR', secretAccessKey: 'SKR' }],
          apiKeys: ['kr'],
          roles: { 'cloud-object-storage': 'Reader', kms: 'Reader', iam: 'Viewer' },
        },
      ],
    },
    {
      id: OTHER_ACCOUNT,
      name: 'other',
      instances: [
        { service: 'cloud-object-storage', id: OTHER_OBJECTS, name: 'objects' },
        { service: 'kms', id: OTHER_KEYS, name: 'keys', region: 'eu-de' },
      ],
      users: [{ iamId: 'IBMid-other', name: 'Other', email: 'other@example.com', apiKeys: ['k2'] }],
    },
  ],
  authorizations: [],
}

export const openTestIam = (store: MetadataStore, now: () => number = Date.now): Promise<Iam> =>
  openIam({
    store,
    secretKey: Buffer.alloc(32, 1),
    tokenKey: Buffer.alloc(32, 2),
    clock: { now },
    issuer: ISSUER,
    operatorAccountId: ACCOUNT,
  })

/** Somebody in the main account with nothing but what policies give. */
export async function putSomebody(iam: Iam, ...iamIds: readonly string[]): Promise<void> {
  for (const iamId of iamIds) {
    await iam.identities.putUser({ accountId: ACCOUNT, iamId, name: iamId, email: '', roles: {} })
  }
}

export interface TestServer {
  readonly iam: Iam
  readonly url: string
  readonly logged: object[]
  /** Moves the clock. */
  readonly pass: (ms: number) => void
  readonly token: (apiKey: string) => Promise<string>
  readonly close: () => Promise<void>
}

export async function serveIam(store: MetadataStore = memoryStore()): Promise<TestServer> {
  let offsetMs = 0
  const iam = await openTestIam(store, () => Date.now() + offsetMs)
  await applyBootstrap(iam, BOOTSTRAP)
  const logged: object[] = []
  const log = (fields: object) => void logged.push(fields)
  const listener: ControlListener = createControlListener({
    apis: checkedApis(iamApis(iam, { inUse: () => false })),
    health: { live: () => ({ ok: true }), ready: () => ({ ok: false, problems: ['sealed'] }) },
    logger: { info: log, error: log },
  })
  const { host, port } = await listener.listen({ host: '127.0.0.1', port: 0 })
  return {
    iam,
    url: `http://${host}:${port}`,
    logged,
    pass: (ms) => {
      offsetMs += ms
    },
    token: async (apiKey) => (await iam.tokens.issueForApiKey(apiKey)).accessToken,
    close: () => listener.close(1000),
  }
}
