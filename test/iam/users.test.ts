import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { memoryStore } from '../../src/storage/metadata/memory-store.ts'
import { type IbmClient, ibmCall, ibmPackages, ibmRefusal, platformClient } from '../support/ibm-clients.ts'
import { ACCOUNT, OTHER_ACCOUNT, serveIam, type TestServer } from './serve.ts'

let server: TestServer
let users: IbmClient
let asViewer: IbmClient
let asOther: IbmClient
let identity: IbmClient
beforeAll(async () => {
  server = await serveIam()
  users = await platformClient('user-management/v1', server.url, 'k1')
  asViewer = await platformClient('user-management/v1', server.url, 'kr')
  asOther = await platformClient('user-management/v1', server.url, 'k2')
  identity = await platformClient('iam-identity/v1', server.url, 'k1')
})
afterAll(() => server.close())

const call = (name: string, parameters: object, client: IbmClient = users) =>
  ibmCall(client, name, { accountId: ACCOUNT, ...parameters })
const refusal = (name: string, parameters: object, client?: IbmClient) => ibmRefusal(call(name, parameters, client))
const invite = async (email: string): Promise<string> =>
  (await call('inviteUsers', { users: [{ email, account_role: 'Member' }] })).result.resources[0].id
const keyOf = async (iamId: string): Promise<string> =>
  (await call('createApiKey', { name: 'first', iamId }, identity)).result.apikey

describe('a user who is invited', () => {
  it('is there, without any right, and gets in with the key that the administrator makes', async () => {
    const { status, result } = await call('inviteUsers', {
      users: [{ email: 'new@example.com', account_role: 'Member' }],
    })
    expect(status).toBe(202)
    const [{ id: iamId }] = result.resources
    expect(result.resources).toEqual([
      { email: 'new@example.com', id: expect.stringMatching(/^IBMid-/), state: 'ACTIVE' },
    ])
    const principal = await server.iam.verifyToken(await server.token(await keyOf(iamId)))
    expect(principal).toMatchObject({ type: 'user', iamId, accountId: ACCOUNT, email: 'new@example.com', roles: {} })
    const target = { service: 'kms', accountId: ACCOUNT } as const
    expect(server.iam.decide(principal, 'kms.secrets.list', target).allowed).toBe(false)
  })

  it('has the access policies that came with the invitation, or is not there', async () => {
    const policy = (role: string) => ({
      type: 'access',
      roles: [{ role_id: `crn:v1:bluemix:public:iam::::serviceRole:${role}` }],
      resources: [
        {
          attributes: [
            { name: 'accountId', value: ACCOUNT },
            { name: 'serviceName', value: 'kms' },
          ],
        },
      ],
    })
    const invited = { users: [{ email: 'granted@example.com' }] }
    expect(await refusal('inviteUsers', { ...invited, iamPolicy: [policy('Emperor')] })).toBe('400 invalid_parameter')
    const { result } = await call('inviteUsers', { ...invited, iamPolicy: [policy('Reader')] })
    const principal = await server.iam.verifyToken(await server.token(await keyOf(result.resources[0].id)))
    const may = (action: 'kms.secrets.list' | 'kms.secrets.create') =>
      server.iam.decide(principal, action, { service: 'kms', accountId: ACCOUNT }).allowed
    expect([may('kms.secrets.list'), may('kms.secrets.create')]).toEqual([true, false])
  })

  it('is shut out with API keys and tokens when removed', async () => {
    const iamId = await invite('leaver@example.com')
    const apiKey = await keyOf(iamId)
    const jwt = await server.token(apiKey)
    expect((await call('removeUser', { iamId })).status).toBe(204)
    await expect(server.iam.verifyToken(jwt)).rejects.toMatchObject({ code: 'InvalidToken' })
    await expect(server.token(apiKey)).rejects.toMatchObject({ code: 'ApiKeyNotFound' })
    expect(await refusal('getUserProfile', { iamId })).toBe('404 user_not_found')
    expect(await refusal('removeUser', { iamId })).toBe('404 user_not_found')
    expect((await call('v3RemoveUser', { iamId: await invite('leaver@example.com') })).status).toBe(202)
  })

  it('is shut out while the state is not ACTIVE, and gets in again with the same key and token', async () => {
    const iamId = await invite('paused@example.com')
    const apiKey = await keyOf(iamId)
    const jwt = await server.token(apiKey)
    await server.iam.identities.putCredential(
      { accountId: ACCOUNT, iamId },
      { accessKeyId: 'AKP', secretAccessKey: 'SKP' },
    )
    for (const state of ['VPN_ONLY', 'DISABLED_CLASSIC_INFRASTRUCTURE']) {
      expect((await call('updateUserProfile', { iamId, state })).status).toBe(204)
      await expect(server.iam.verifyToken(jwt)).rejects.toMatchObject({ code: 'InvalidToken' })
      await expect(server.token(apiKey)).rejects.toMatchObject({ code: 'ApiKeyNotFound' })
      expect(server.iam.findCredential('AKP')).toBeUndefined()
    }
    await call('updateUserProfile', { iamId, state: 'ACTIVE' })
    await expect(server.iam.verifyToken(jwt)).resolves.toBeDefined()
    expect(server.iam.findCredential('AKP')?.principal.iamId).toBe(iamId)
  })

  it('has a profile', async () => {
    const iamId = await invite('profile@example.com')
    const changes = { firstname: 'Ada', lastname: 'Lovelace', phonenumber: '123456789' }
    await call('updateUserProfile', { iamId, ...changes })
    const { result } = await call('getUserProfile', { iamId })
    expect(result).toMatchObject({
      iam_id: iamId,
      realm: 'IBMid',
      user_id: 'profile@example.com',
      email: 'profile@example.com',
      state: 'ACTIVE',
      account_id: ACCOUNT,
      added_on: expect.any(String),
      ...changes,
    })
    await call('updateUserSettings', { iamId, language: 'de', notificationLanguage: 'en' })
    expect((await call('getUserSettings', { iamId })).result).toEqual({
      language: 'de',
      notification_language: 'en',
      allowed_ip_addresses: '',
      self_manage: false,
    })
    expect(await refusal('updateUserSettings', { iamId, allowedIpAddresses: '10.0.0.1' })).toBe('400 invalid_parameter')
  })

  it.each([
    ['an address that is none', [{ email: 'nobody' }], '400 invalid_parameter'],
    ['an address that is there', [{ email: 'fresh@example.com' }, { email: 'Main@example.com' }], '409 user_conflict'],
    ['one address twice', [{ email: 'a@example.com' }, { email: 'A@example.com' }], '409 user_conflict'],
    ['nobody', [], '400 invalid_parameter'],
  ])('is not made for %s, nor is anybody who was invited with it', async (_, invited, expected) => {
    const before = server.iam.people.list(ACCOUNT).length
    expect(await refusal('inviteUsers', { users: invited })).toBe(expected)
    expect(server.iam.people.list(ACCOUNT)).toHaveLength(before)
  })
})

describe('the users of an account', () => {
  it('are listed page by page by the pager of the client, without service IDs', async () => {
    await server.iam.serviceIds.create({ accountId: ACCOUNT, name: 's' }, { accountId: ACCOUNT, iamId: 'IBMid-main' })
    const require = await ibmPackages('platform-services')
    const { UsersPager } = Object(require('@ibm-cloud/platform-services/user-management/v1'))
    const pager = new UsersPager(users, { accountId: ACCOUNT, limit: 2 })
    const all: { iam_id: string }[] = await pager.getAll()
    expect(all.map(({ iam_id }) => iam_id)).toEqual(server.iam.people.list(ACCOUNT).map(({ iamId }) => iamId))
    expect(all.length).toBeGreaterThan(2)
  })

  it('are searched', async () => {
    await invite('search-one@example.com')
    await invite('search-two@example.com')
    const emails = async (parameters: object) =>
      (await call('listUsers', parameters)).result.resources.map(({ email }: { email: string }) => email)
    expect(await emails({ search: 'email:SEARCH-' })).toEqual(['search-one@example.com', 'search-two@example.com'])
    expect(await emails({ search: 'email:search-one,iam_id:IBMid-main' })).toEqual([
      'main@example.com',
      'search-one@example.com',
    ])
    expect(await emails({ userId: 'search-two@example.com' })).toEqual(['search-two@example.com'])
    expect(await refusal('listUsers', { search: 'constructor:x' })).toBe('400 invalid_parameter')
    expect(await refusal('listUsers', { limit: 101 })).toBe('400 invalid_parameter')
    expect(await refusal('listUsers', { start: 'nonsense' })).toBe('400 invalid_parameter')
  })

  it('are seen by a viewer and changed by none, but for oneself', async () => {
    expect((await call('getUserProfile', { iamId: 'IBMid-main' }, asViewer)).status).toBe(200)
    expect(await refusal('inviteUsers', { users: [{ email: 'x@example.com' }] }, asViewer)).toBe('403 not_authorized')
    expect(await refusal('removeUser', { iamId: 'IBMid-main' }, asViewer)).toBe('403 not_authorized')
    expect(await refusal('updateUserProfile', { iamId: 'IBMid-main', photo: 'x' }, asViewer)).toBe('403 not_authorized')
    expect((await call('updateUserProfile', { iamId: 'IBMid-reader', photo: 'x' }, asViewer)).status).toBe(204)
    const own = { iamId: 'IBMid-reader', email: 'main@example.com' }
    expect(await refusal('updateUserProfile', own, asViewer)).toBe('403 not_authorized')
    expect(await refusal('updateUserProfile', { iamId: 'IBMid-reader', state: 'ACTIVE' }, asViewer)).toBe(
      '403 not_authorized',
    )
  })

  it('are themselves only to one without any role', async () => {
    const iamId = await invite('alone@example.com')
    const alone = await platformClient('user-management/v1', server.url, await keyOf(iamId))
    const { result } = await call('listUsers', {}, alone)
    expect(result.resources.map(({ iam_id }: { iam_id: string }) => iam_id)).toEqual([iamId])
    expect(await refusal('getUserProfile', { iamId: 'IBMid-main' }, alone)).toBe('403 not_authorized')
    expect((await call('accept', {}, alone)).status).toBe(204)
    expect(await refusal('accept', { accountId: OTHER_ACCOUNT }, alone)).toBe('404 account_not_found')
  })

  it('are nothing to another account', async () => {
    expect(await refusal('listUsers', {}, asOther)).toBe('403 not_authorized')
    expect(await refusal('getUserProfile', { iamId: 'IBMid-main' }, asOther)).toBe('403 not_authorized')
    expect(await refusal('removeUser', { iamId: 'IBMid-main' }, asOther)).toBe('403 not_authorized')
    expect(await refusal('inviteUsers', { users: [{ email: 'x@example.com' }] }, asOther)).toBe('403 not_authorized')
  })

  it('are not invited by a service ID', async () => {
    const by = { accountId: ACCOUNT, iamId: 'IBMid-main' }
    const draft = { accountId: ACCOUNT, name: 'admin', apiKey: { name: 'k' } }
    const { serviceId, apiKey } = await server.iam.serviceIds.create(draft, by)
    const roles = { iam: 'Administrator' } as const
    await server.iam.identities.putUser({ accountId: ACCOUNT, iamId: serviceId.iamId, name: 'admin', email: '', roles })
    const asServiceId = await platformClient('user-management/v1', server.url, apiKey?.value ?? '')
    expect(await refusal('inviteUsers', { users: [{ email: 'x@example.com' }] }, asServiceId)).toBe(
      '403 not_authorized',
    )
  })
})

it('a user whom the bootstrap file declares and who was shut out stays so after the next start', async () => {
  const store = memoryStore()
  const first = await serveIam(store)
  const client = await platformClient('user-management/v1', first.url, 'k1')
  await call('updateUserProfile', { iamId: 'IBMid-reader', state: 'VPN_ONLY', phonenumber: '1' }, client)
  await first.close()
  const second = await serveIam(store)
  await expect(second.token('kr')).rejects.toMatchObject({ code: 'ApiKeyNotFound' })
  const { profile } = second.iam.people.get({ accountId: ACCOUNT, iamId: 'IBMid-reader' })
  expect(profile).toEqual({ state: 'VPN_ONLY', phonenumber: '1' })
  await second.close()
})
