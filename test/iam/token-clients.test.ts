import { promisify } from 'node:util'
import cos from 'ibm-cos-sdk'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { mainAccount, objectStorageCrn } from '../support/bootstrap.ts'
import { iamToken } from '../support/control-api.ts'
import { startHouse, type TestHouse } from '../support/house.ts'
import { type IbmClient, ibmCall, ibmPackages, platformClient } from '../support/ibm-clients.ts'
import { serveIam, type TestServer } from './serve.ts'

const MINUTE = 60_000

describe('ibm-cos-sdk-config, which refreshes its tokens', () => {
  let server: TestServer
  beforeAll(async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    server = await serveIam()
  })
  afterAll(async () => {
    await server.close()
    vi.useRealTimers()
  })

  /** The client's own manager of tokens, which asks for one before each of its requests. */
  async function tokensOf(apiKey: string): Promise<() => Promise<string>> {
    const require = await ibmPackages('platform-services')
    const module: { ResourceConfigurationV1: Constructor } = require('ibm-cos-sdk-config')
    const options = { iam_apikey: apiKey, iam_url: `${server.url}/identity/token`, url: `${server.url}/v1` }
    const { tokenManager } = new module.ResourceConfigurationV1(options)
    return promisify((done: Callback) => tokenManager.getToken(done))
  }

  it('gets a new one by the refresh token when 80 % of its life have passed, again and again', async () => {
    const next = await tokensOf('k1')
    const byKey = vi.spyOn(server.iam.tokens, 'issueForApiKey')
    const byRefreshToken = vi.spyOn(server.iam.tokens, 'issueForRefreshToken')
    const seen = [await next()]
    vi.setSystemTime(Date.now() + 40 * MINUTE)
    expect(await next()).toBe(seen[0])
    for (let hour = 0; hour < 5; hour++) {
      vi.setSystemTime(Date.now() + 50 * MINUTE)
      const token = await next()
      expect(seen).not.toContain(token)
      await expect(server.iam.verifyToken(token)).resolves.toMatchObject({ iamId: 'IBMid-main' })
      seen.push(token)
    }
    expect([byKey.mock.calls.length, byRefreshToken.mock.calls.length]).toEqual([1, 5])
    // After days of rest it refreshes all the same.
    vi.setSystemTime(Date.now() + 6 * 24 * 60 * MINUTE)
    await expect(server.iam.verifyToken(await next())).resolves.toBeDefined()
  })

  it('gets none any more when its API key is disabled', async () => {
    const by = { accountId: 'a'.repeat(32), iamId: 'IBMid-main' }
    const { apiKey, value } = await server.iam.apiKeys.create({ owner: by, name: 'n' }, by)
    const next = await tokensOf(value)
    await next()
    await server.iam.apiKeys.setDisabled(apiKey.id, true, by)
    vi.setSystemTime(Date.now() + 50 * MINUTE)
    await expect(next()).rejects.toThrow()
  })
})

type Constructor = new (options: object) => { readonly tokenManager: TokenManager }
type Callback = (error: Error | null, token: string) => void
interface TokenManager {
  readonly getToken: (done: Callback) => void
}

describe('clients of a server whose tokens live as short as may be', () => {
  let house: TestHouse
  beforeAll(async () => {
    house = await startHouse({ settings: { COFFER_IAM_TOKEN_LIFE_MS: '60000' } })
  })
  afterAll(() => house[Symbol.asyncDispose]())

  it('send their requests: ibm-cos-sdk', async () => {
    const s3 = new cos.S3({
      endpoint: house.s3Url,
      s3ForcePathStyle: true,
      maxRetries: 0,
      apiKeyId: mainAccount.user.apiKey,
      ibmAuthEndpoint: `${house.controlUrl}/identity/token`,
      serviceInstanceId: objectStorageCrn(mainAccount),
    })
    await s3.createBucket({ Bucket: 'short-lived-tokens' }).promise()
    await s3.putObject({ Bucket: 'short-lived-tokens', Key: 'k', Body: 'v' }).promise()
    const { Body } = await s3.getObject({ Bucket: 'short-lived-tokens', Key: 'k' }).promise()
    expect(String(Body)).toBe('v')
  })

  it('send their requests: platform-services', async () => {
    const users = await platformClient('user-management/v1', house.controlUrl, mainAccount.user.apiKey)
    expect((await users['listUsers']?.({ accountId: mainAccount.id }))?.status).toBe(200)
  })
})

describe('a user at S3 and Key Protect', () => {
  let house: TestHouse
  let users: IbmClient
  let identity: IbmClient
  beforeAll(async () => {
    house = await startHouse()
    users = await platformClient('user-management/v1', house.controlUrl, mainAccount.user.apiKey)
    identity = await platformClient('iam-identity/v1', house.controlUrl, mainAccount.user.apiKey)
  })
  afterAll(() => house[Symbol.asyncDispose]())

  const { id: accountId } = mainAccount

  const MANAGER = 'crn:v1:bluemix:public:iam::::serviceRole:Manager'
  const managed = (serviceName: string) => ({
    type: 'access',
    roles: [{ role_id: MANAGER }],
    resources: [
      {
        attributes: [
          { name: 'accountId', value: mainAccount.id },
          { name: 'serviceName', value: serviceName },
        ],
      },
    ],
  })

  /** Invited with rights at both services, with a key that the administrator made. */
  async function colleague(email: string) {
    const iamPolicy = [managed('cloud-object-storage'), managed('kms')]
    const invited = await ibmCall(users, 'inviteUsers', {
      accountId,
      users: [{ email, account_role: 'Member' }],
      iamPolicy,
    })
    const iamId: string = invited.result.resources[0].id
    const key = (await ibmCall(identity, 'createApiKey', { name: 'first', iamId })).result
    return { iamId, keyId: key.id, token: await iamToken(house.controlUrl, key.apikey) }
  }

  const asked = async (token: string): Promise<readonly number[]> => {
    const authorization = `Bearer ${token}`
    const s3 = fetch(house.s3Url, {
      headers: { authorization, 'ibm-service-instance-id': objectStorageCrn(mainAccount) },
    })
    const keys = fetch(`${house.controlUrl}/api/v2/keys`, {
      headers: { authorization, 'bluemix-instance': mainAccount.keyProtectInstance },
    })
    return [(await s3).status, (await keys).status]
  }

  it('stops at the next request when removed', async () => {
    const { iamId, token } = await colleague('removed@example.com')
    expect(await asked(token)).toEqual([200, 200])
    await ibmCall(users, 'removeUser', { accountId, iamId })
    expect(await asked(token)).toEqual([403, 401])
  })

  it('stops at the next request when the state is not ACTIVE, and goes on when it is again', async () => {
    const { iamId, token } = await colleague('paused@example.com')
    await ibmCall(users, 'updateUserProfile', { accountId, iamId, state: 'VPN_ONLY' })
    expect(await asked(token)).toEqual([403, 401])
    await ibmCall(users, 'updateUserProfile', { accountId, iamId, state: 'ACTIVE' })
    expect(await asked(token)).toEqual([200, 200])
  })

  it('stops at the next request when the API key of the token is disabled or deleted', async () => {
    const { keyId, token } = await colleague('key@example.com')
    await ibmCall(identity, 'disableApiKey', { id: keyId })
    expect(await asked(token)).toEqual([403, 401])
    await ibmCall(identity, 'enableApiKey', { id: keyId })
    expect(await asked(token)).toEqual([200, 200])
    await ibmCall(identity, 'deleteApiKey', { id: keyId })
    expect(await asked(token)).toEqual([403, 401])
  })
})
