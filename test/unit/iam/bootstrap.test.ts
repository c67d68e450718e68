import { describe, expect, it } from 'vitest'
import { applyBootstrap } from '../../../src/iam/bootstrap.ts'
import { firstStart } from '../../../src/iam/first-start.ts'
import { memoryStore } from '../../../src/storage/metadata/memory-store.ts'
import type { MetadataStore, Write } from '../../../src/storage/metadata/metadata-store.ts'
import * as home from '../../iam/serve.ts'

/** Counts what reaches the store, and fails when told to. */
function watched(inner: MetadataStore = memoryStore()) {
  const written: Write[] = []
  let failure: Error | undefined
  const store: MetadataStore = {
    ...inner,
    commit: async (writes) => {
      if (failure) throw failure
      written.push(...writes)
      return inner.commit(writes)
    },
  }
  return {
    store,
    written,
    fail: (error: Error | undefined) => {
      failure = error
    },
  }
}

type Json = { [name: string]: unknown }
const copy = (): { accounts: Json[]; authorizations: Json[] } => structuredClone(home.BOOTSTRAP)
const at = (value: unknown, ...path: (string | number)[]): Json => {
  let found: unknown = value
  for (const step of path) found = Reflect.get(Object(found), step)
  if (typeof found !== 'object' || found === null) throw new Error('no such path')
  return found as Json
}

describe('bootstrap', () => {
  it('declares what S3 needs to know of a key', async () => {
    const iam = await home.openTestIam(memoryStore())
    await applyBootstrap(iam, home.BOOTSTRAP)
    expect(iam.findCredential('AK')).toMatchObject({
      secretAccessKey: 'SK',
      serviceInstanceCrn: home.OBJECTS_CRN,
      canonicalId: 'main-owner',
      displayName: 'main',
      principal: {
        iamId: 'IBMid-main',
        roles: { 'cloud-object-storage': 'Manager', kms: 'Manager', iam: 'Administrator' },
      },
    })
    expect(iam.owner(home.OTHER_ACCOUNT)).toEqual({ id: home.OTHER_ACCOUNT, displayName: 'other' })
    for (const name of ['__proto__', 'constructor', 'toString', '']) expect(iam.findCredential(name)).toBeUndefined()
  })

  it('writes nothing the second time, and is there after a restart', async () => {
    const { store, written } = watched()
    const document = {
      ...copy(),
      authorizations: [
        {
          source: { service: 'cloud-object-storage', instance: home.OBJECTS },
          target: { service: 'kms', instance: home.KEYS },
          roles: ['Reader'],
        },
      ],
    }
    await applyBootstrap(await home.openTestIam(store), document)
    const before = written.length
    const again = await home.openTestIam(store)
    await applyBootstrap(again, document)
    expect(written).toHaveLength(before)
    expect(again.findCredential('AK')?.secretAccessKey).toBe('SK')
    const target = { service: 'kms', accountId: home.ACCOUNT, instance: home.KEYS } as const
    expect(again.isAuthorized(home.OBJECTS_CRN, target, 'kms.secrets.wrap')).toBe(true)
  })

  it('keeps neither a secret nor an API key in clear', async () => {
    const { store, written } = watched()
    const document = copy()
    Object.assign(at(document, 'accounts', 0, 'users', 0), {
      hmac: [{ accessKeyId: 'AK', secretAccessKey: 'visible-secret' }],
      apiKeys: ['visible-api-key'],
    })
    await applyBootstrap(await home.openTestIam(store), document)
    const bytes = written
      .map((write) => ('value' in write ? `${write.key.toString()} ${write.value.toString()}` : ''))
      .join('\n')
    expect(bytes).toContain('IBMid-main')
    expect(bytes).not.toMatch(/visible-|PRIVATE/)
    expect(bytes).not.toContain(Buffer.from('visible-secret').toString('base64').slice(0, 12))
  })

  it('opens nothing secret under another key', async () => {
    const store = memoryStore()
    await applyBootstrap(await home.openTestIam(store), home.BOOTSTRAP)
    const { openIam } = await import('../../../src/iam/iam.ts')
    const keys = {
      secretKey: Buffer.alloc(32, 9),
      tokenKey: Buffer.alloc(32, 2),
      clock: { now: Date.now },
      issuer: home.ISSUER,
    }
    const other = await openIam({ store, ...keys })
    expect(other.damagedRows()).toBe(2)
    expect(other.findCredential('AK')).toBeUndefined()
    await expect(other.tokens.issueForApiKey('k1')).rejects.toMatchObject({ code: 'ApiKeyNotFound' })
    const token = (await (await home.openTestIam(store)).tokens.issueForApiKey('k1')).accessToken
    const third = await openIam({ store, ...keys, secretKey: Buffer.alloc(32, 1), tokenKey: Buffer.alloc(32, 9) })
    await expect(third.verifyToken(token)).rejects.toMatchObject({ code: 'InvalidToken' })
  })

  it('replaces a changed secret and a changed role', async () => {
    const iam = await home.openTestIam(memoryStore())
    await applyBootstrap(iam, home.BOOTSTRAP)
    const document = copy()
    Object.assign(at(document, 'accounts', 0, 'users', 0), {
      hmac: [{ accessKeyId: 'AK', secretAccessKey: 'new' }],
      roles: { kms: 'Reader' },
    })
    await applyBootstrap(iam, document)
    const credential = iam.findCredential('AK')
    expect(credential?.secretAccessKey).toBe('new')
    expect(credential?.principal.roles).toEqual({
      'cloud-object-storage': 'Manager',
      kms: 'Reader',
      iam: 'Administrator',
    })
  })

  it('keeps the first object storage instance first, wherever a later one stands in the file', async () => {
    const store = memoryStore()
    const iam = await home.openTestIam(store)
    await applyBootstrap(iam, home.BOOTSTRAP)
    const document = copy()
    const later = { service: 'cloud-object-storage', id: '00000000-0000-4000-8000-000000000001', name: 'later' }
    const instances = at(document, 'accounts', 0)['instances']
    Object.assign(at(document, 'accounts', 0), { instances: [later, ...(Array.isArray(instances) ? instances : [])] })
    await applyBootstrap(iam, document)
    expect(iam.findCredential('AK')?.serviceInstanceCrn).toBe(home.OBJECTS_CRN)
    expect((await home.openTestIam(store)).findCredential('AK')?.serviceInstanceCrn).toBe(home.OBJECTS_CRN)
  })

  it.each<[string, (document: { accounts: Json[]; authorizations: Json[] }) => void, RegExp]>([
    ['an unknown member', (document) => Object.assign(document, { acounts: [] }), /acounts: is not a known member/],
    [
      'a deep unknown member',
      (document) => Object.assign(at(document, 'accounts', 0, 'users', 1), { role: 1 }),
      /accounts\[0\]\.users\[1\]\.role/,
    ],
    ['a bad account id', (document) => Object.assign(at(document, 'accounts', 0), { id: 'A' }), /accounts\[0\]\.id/],
    [
      'the system account',
      (document) => Object.assign(at(document, 'accounts', 0), { id: '0'.repeat(32) }),
      /accounts\[0\].*server's own/,
    ],
    [
      'a bad instance id',
      (document) => Object.assign(at(document, 'accounts', 0, 'instances', 0), { id: 'x' }),
      /accounts\[0\]\.instances\[0\]\.id/,
    ],
    [
      'a role of another service',
      (document) => Object.assign(at(document, 'accounts', 0, 'users', 0), { roles: { iam: 'Manager' } }),
      /users\[0\]\.roles\.iam/,
    ],
    [
      'a key of somebody else',
      (document) =>
        Object.assign(at(document, 'accounts', 0, 'users', 1), {
          hmac: [{ accessKeyId: 'AK', secretAccessKey: 'mine' }],
        }),
      /accounts\[0\]\.users\[1\]\.hmac\[0\].*another user/,
    ],
    [
      'an API key of somebody else',
      (document) => Object.assign(at(document, 'accounts', 1, 'users', 0), { apiKeys: ['k1'] }),
      /accounts\[1\]\.users\[0\]\.apiKeys\[0\].*another user/,
    ],
    [
      'a canonical id of somebody else',
      (document) => Object.assign(at(document, 'accounts', 1), { canonicalId: 'main-owner' }),
      /accounts\[1\].*canonical id/,
    ],
    [
      'an instance of somebody else',
      (document) => Object.assign(at(document, 'accounts', 1, 'instances', 0), { id: home.OBJECTS }),
      /accounts\[1\]\.instances\[0\].*cannot change/,
    ],
    [
      'an authorization for nothing',
      (document) =>
        document.authorizations.push({
          source: { service: 'cloud-object-storage', instance: home.OBJECTS },
          target: { service: 'kms', instance: home.OBJECTS },
          roles: ['Reader'],
        }),
      /authorizations\[0\]\.target: there is no kms instance/,
    ],
    [
      'an account twice',
      (document) => document.accounts.push(at(document, 'accounts', 0)),
      /accounts: names an account twice/,
    ],
    [
      'a user twice',
      (document) =>
        Object.assign(at(document, 'accounts', 0, 'users', 1), {
          iamId: Object.assign({}, at(document, 'accounts', 0, 'users', 0))['iamId'],
        }),
      /accounts\[0\]\.users: names a user twice/,
    ],
    [
      'an access key with two secrets',
      (document) =>
        Object.assign(at(document, 'accounts', 0, 'users', 0), {
          hmac: ['one', 'other'].map((secretAccessKey) => ({ accessKeyId: 'AK', secretAccessKey })),
        }),
      /users\[0\]\.hmac: names an access key twice/,
    ],
    [
      'an access key id that SigV4 cannot carry',
      (document) =>
        Object.assign(at(document, 'accounts', 0, 'users', 0), {
          hmac: [{ accessKeyId: 'A/B', secretAccessKey: 'top-secret' }],
        }),
      /hmac\[0\]: an access key id/,
    ],
  ])('with %s says where', async (_, spoil, message) => {
    const document = copy()
    spoil(document)
    const iam = await home.openTestIam(memoryStore())
    const refused = applyBootstrap(iam, document)
    await expect(refused).rejects.toMatchObject({ code: 'BootstrapInvalid', message: expect.stringMatching(message) })
    await expect(refused).rejects.not.toMatchObject({ message: expect.stringContaining('top-secret') })
  })

  it.each([null, [], 'x', 1])('that is %j is refused', async (document) => {
    await expect(applyBootstrap(await home.openTestIam(memoryStore()), document)).rejects.toMatchObject({
      code: 'BootstrapInvalid',
    })
  })

  it('needs an object storage instance for HMAC users', async () => {
    const document = copy()
    Object.assign(at(document, 'accounts', 0), { instances: [] })
    await expect(applyBootstrap(await home.openTestIam(memoryStore()), document)).rejects.toThrow(
      /needs a cloud-object-storage instance/,
    )
  })
})

describe('a change', () => {
  it('that the store refuses is no change', async () => {
    const { store, fail } = watched()
    const iam = await home.openTestIam(store)
    await applyBootstrap(iam, home.BOOTSTRAP)
    fail(new Error('disk'))
    await expect(iam.identities.deleteCredential('AK')).rejects.toThrow('disk')
    expect(iam.findCredential('AK')).toBeDefined()
    fail(undefined)
    await iam.identities.deleteCredential('AK')
    expect(iam.findCredential('AK')).toBeUndefined()
  })

  it('of two at once leaves one owner of an access key id', async () => {
    const iam = await home.openTestIam(memoryStore())
    await applyBootstrap(iam, home.BOOTSTRAP)
    const pair = { accessKeyId: 'RACE', secretAccessKey: 's' }
    const owners = ['IBMid-main', 'IBMid-reader'].map((iamId) =>
      iam.identities.putCredential({ accountId: home.ACCOUNT, iamId }, pair),
    )
    const outcomes = await Promise.allSettled(owners)
    expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
  })
})

describe('the first start', () => {
  it('makes an account that works and shows its secrets once', async () => {
    const store = memoryStore()
    const iam = await home.openTestIam(store)
    const first = await firstStart(iam)
    if (!first) throw new Error('nothing was made')
    expect(first.accessKeyId).toMatch(/^CFR[A-Z2-7]{17}$/)
    expect(first.secretAccessKey).toMatch(/^[A-Za-z0-9]{40}$/)
    expect(iam.findCredential(first.accessKeyId)).toMatchObject({
      secretAccessKey: first.secretAccessKey,
      serviceInstanceCrn: first.objectStorageCrn,
    })
    const { accessToken } = await iam.tokens.issueForApiKey(first.apiKey)
    expect(await iam.verifyToken(accessToken)).toMatchObject({
      accountId: first.accountId,
      roles: { iam: 'Administrator' },
    })
    expect(iam.instance(first.keyProtectInstance)).toMatchObject({ service: 'kms', region: 'us-south', name: 'keys' })
    const again = await home.openTestIam(store)
    expect(await firstStart(again)).toBeUndefined()
    expect(again.findCredential(first.accessKeyId)?.secretAccessKey).toBe(first.secretAccessKey)
    expect(await again.verifyToken(accessToken)).toMatchObject({ iamId: first.iamId })
  })

  it('is one write', async () => {
    const { store, written, fail } = watched()
    const iam = await home.openTestIam(store)
    const before = written.length
    fail(new Error('disk'))
    await expect(firstStart(iam)).rejects.toThrow('disk')
    expect([iam.accounts(), written.length]).toEqual([[], before])
  })
})
