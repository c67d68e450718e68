import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { applyBootstrap } from '../../src/iam/bootstrap.ts'
import { memoryStore } from '../../src/storage/metadata/memory-store.ts'
import { type IbmClient, ibmCall, ibmRefusal, platformClient } from '../support/ibm-clients.ts'
import { ACCOUNT, BOOTSTRAP, OTHER_ACCOUNT, openTestIam, serveIam, type TestServer } from './serve.ts'

const store = memoryStore()
let server: TestServer
let identity: IbmClient
let asViewer: IbmClient
let asOther: IbmClient
beforeAll(async () => {
  server = await serveIam(store)
  identity = await platformClient('iam-identity/v1', server.url, 'k1')
  asViewer = await platformClient('iam-identity/v1', server.url, 'kr')
  asOther = await platformClient('iam-identity/v1', server.url, 'k2')
})
afterAll(() => server.close())

const call = (name: string, parameters: object, client: IbmClient = identity) => ibmCall(client, name, parameters)
const refusal = (name: string, parameters: object, client?: IbmClient) => ibmRefusal(call(name, parameters, client))
const create = async (more: object = {}, client?: IbmClient) =>
  (await call('createApiKey', { name: 'a key', iamId: 'IBMid-main', ...more }, client)).result
const works = (value: string) =>
  server.token(value).then(
    () => true,
    () => false,
  )

describe('an API key', () => {
  it('is shown once', async () => {
    const { status, result } = await call('createApiKey', {
      name: 'shown',
      iamId: 'IBMid-main',
      description: 'once',
      expiresAt: '2049-01-02T18:30+0000',
    })
    expect(status).toBe(201)
    expect(result).toMatchObject({
      id: expect.stringMatching(/^ApiKey-[0-9a-f-]{36}$/),
      crn: `crn:v1:bluemix:public:iam-identity::a/${ACCOUNT}::apikey:${result.id}`,
      name: 'shown',
      description: 'once',
      iam_id: 'IBMid-main',
      account_id: ACCOUNT,
      created_by: 'IBMid-main',
      locked: false,
      disabled: false,
      expires_at: '2049-01-02T18:30+0000',
      apikey: expect.stringMatching(/^[A-Za-z0-9]{44}$/),
    })
    const read = (await call('getApiKey', { id: result.id })).result
    expect(read).toMatchObject({ id: result.id, apikey: '', entity_tag: result.entity_tag })
    const listed = (await call('listApiKeys', { pagesize: 100 })).result
    expect(JSON.stringify(listed)).toContain(result.id)
    expect(JSON.stringify([read, listed, server.logged])).not.toContain(result.apikey)
    expect(await works(result.apikey)).toBe(true)
  })

  it('is found by its value, which is in no log', async () => {
    const made = await create()
    const { result } = await call('getApiKeysDetails', { iamApiKey: made.apikey, includeHistory: true })
    expect(result).toMatchObject({ id: made.id, apikey: '', history: [{ action: 'CREATE', iam_id: 'IBMid-main' }] })
    expect(JSON.stringify(server.logged)).not.toContain(made.apikey)
    expect(await refusal('getApiKeysDetails', { iamApiKey: 'x'.repeat(44) })).toBe('404 not_found')
    expect(await refusal('getApiKeysDetails', { iamApiKey: made.apikey }, asOther)).toBe('404 not_found')
    expect(await refusal('getApiKeysDetails', {})).toBe('400 invalid_request')
  })

  it('may be one that its user has chosen, if it is long and nobody has it', async () => {
    const apikey = 'chosen-by-its-user-and-long-enough'
    expect((await create({ apikey })).apikey).toBe(apikey)
    expect(await works(apikey)).toBe(true)
    expect(await refusal('createApiKey', { name: 'n', iamId: 'IBMid-main', apikey })).toBe('409 conflict')
    expect(await refusal('createApiKey', { name: 'n', iamId: 'IBMid-main', apikey: 'short' })).toBe(
      '400 invalid_request',
    )
  })

  it('stops with its tokens when it is disabled, and works again when it is enabled', async () => {
    const { id, apikey } = await create()
    const jwt = await server.token(apikey)
    expect((await call('disableApiKey', { id })).status).toBe(204)
    expect(await works(apikey)).toBe(false)
    await expect(server.iam.verifyToken(jwt)).rejects.toMatchObject({ code: 'InvalidToken' })
    expect((await call('getApiKey', { id })).result.disabled).toBe(true)
    expect((await call('enableApiKey', { id })).status).toBe(204)
    expect(await works(apikey)).toBe(true)
    await expect(server.iam.verifyToken(jwt)).resolves.toBeDefined()
  })

  it('stops with its tokens when it is deleted, and other keys of its user go on', async () => {
    const [gone, kept] = [await create(), await create()]
    const [goneJwt, keptJwt] = [await server.token(gone.apikey), await server.token(kept.apikey)]
    expect((await call('deleteApiKey', { id: gone.id })).status).toBe(204)
    await expect(server.iam.verifyToken(goneJwt)).rejects.toMatchObject({ code: 'InvalidToken' })
    await expect(server.iam.verifyToken(keptJwt)).resolves.toBeDefined()
    expect(await works(gone.apikey)).toBe(false)
    expect(await refusal('getApiKey', { id: gone.id })).toBe('404 not_found')
  })

  it('ends the tokens for services that were asked for with it', async () => {
    const { id, apikey } = await create()
    const instance = server.iam.instances({ accountId: ACCOUNT })[0]?.crn ?? ''
    const { accessToken } = await server.iam.tokens.issueForService(await server.token(apikey), instance)
    await expect(server.iam.verifyToken(accessToken)).resolves.toMatchObject({ type: 'service' })
    await call('disableApiKey', { id })
    await expect(server.iam.verifyToken(accessToken)).rejects.toMatchObject({ code: 'InvalidToken' })
  })

  it('stops with its tokens and refresh tokens when it expires', async () => {
    const other = await serveIam()
    const client = await platformClient('iam-identity/v1', other.url, 'k1')
    const expiresAt = new Date(Date.now() + 600_000).toISOString()
    const { apikey } = (await call('createApiKey', { name: 'n', iamId: 'IBMid-main', expiresAt }, client)).result
    const { accessToken, refreshToken } = await other.iam.tokens.issueForApiKey(apikey)
    other.pass(540_000)
    await expect(other.iam.verifyToken(accessToken)).resolves.toBeDefined()
    await expect(other.iam.tokens.issueForRefreshToken(refreshToken)).resolves.toBeDefined()
    other.pass(61_000)
    await expect(other.iam.verifyToken(accessToken)).rejects.toMatchObject({ code: 'InvalidToken' })
    await expect(other.iam.tokens.issueForRefreshToken(refreshToken)).rejects.toMatchObject({
      code: 'RefreshTokenInvalid',
    })
    await expect(other.token(apikey)).rejects.toMatchObject({ code: 'ApiKeyNotFound' })
    await other.close()
  })

  it('is neither changed, disabled nor deleted while it is locked, and works', async () => {
    const { id, apikey } = await create()
    expect((await call('lockApiKey', { id })).status).toBe(204)
    expect((await call('getApiKey', { id })).result.locked).toBe(true)
    expect(await refusal('updateApiKey', { id, ifMatch: '*', name: 'x' })).toBe('409 conflict')
    expect(await refusal('disableApiKey', { id })).toBe('409 conflict')
    expect(await refusal('deleteApiKey', { id })).toBe('409 conflict')
    expect(await works(apikey)).toBe(true)
    expect((await call('unlockApiKey', { id })).status).toBe(204)
    expect((await call('deleteApiKey', { id })).status).toBe(204)
  })

  it('may be locked or disabled from the beginning', async () => {
    expect(await create({ entityLock: 'true' })).toMatchObject({ locked: true, disabled: false })
    const disabled = await create({ entityDisable: 'true' })
    expect(disabled).toMatchObject({ locked: false, disabled: true })
    expect(await works(disabled.apikey)).toBe(false)
  })

  it('is changed by who has seen its latest version', async () => {
    const made = await create({ expiresAt: '2049-01-02T18:30:00+0000', description: 'd' })
    const changes = { name: 'renamed', description: '', expiresAt: '', actionWhenLeaked: 'disable' }
    const { result } = await call('updateApiKey', { id: made.id, ifMatch: made.entity_tag, ...changes })
    expect(result).toMatchObject({ name: 'renamed', action_when_leaked: 'disable', apikey: '' })
    expect([result.description, result.expires_at]).toEqual([undefined, undefined])
    expect(await refusal('updateApiKey', { id: made.id, ifMatch: made.entity_tag, name: 'x' })).toBe('409 conflict')
    expect(await refusal('updateApiKey', { id: made.id, ifMatch: '*', expiresAt: '2001-01-01T00:00+0000' })).toBe(
      '400 invalid_request',
    )
  })

  it('is the same after a restart, and in clear nowhere in the store', async () => {
    const made = await create({ description: 'kept' })
    await call('disableApiKey', { id: made.id })
    const again = await openTestIam(store)
    expect(again.apiKeys.get(made.id)).toEqual(server.iam.apiKeys.get(made.id))
    await expect(again.tokens.issueForApiKey(made.apikey)).rejects.toMatchObject({ code: 'ApiKeyNotFound' })
    for (let space = 64; space < 80; space++) {
      const rows = await store.range(space, { gte: Buffer.alloc(0), lt: Buffer.alloc(64, 255), limit: 500 })
      for (const { key, value } of rows) {
        expect(key.includes(made.apikey) || value.includes(made.apikey)).toBe(false)
      }
    }
  })
})

describe('API keys of others', () => {
  it('are made by an administrator: how else would a user get the first one', async () => {
    const made = await create({ iamId: 'IBMid-reader' })
    expect(await server.iam.verifyToken(await server.token(made.apikey))).toMatchObject({ iamId: 'IBMid-reader' })
    expect(await refusal('createApiKey', { name: 'n', iamId: 'IBMid-nobody' })).toBe('404 not_found')
  })

  it('are nobody else’s to make, change or delete', async () => {
    const { id } = await create()
    expect(await refusal('createApiKey', { name: 'n', iamId: 'IBMid-main' }, asViewer)).toBe('403 forbidden')
    expect(await refusal('deleteApiKey', { id }, asViewer)).toBe('403 forbidden')
    expect(await refusal('disableApiKey', { id }, asViewer)).toBe('403 forbidden')
    expect(await refusal('updateApiKey', { id, ifMatch: '*', name: 'x' }, asViewer)).toBe('403 forbidden')
    expect(await refusal('getApiKey', { id }, asOther)).toBe('404 not_found')
    expect(await refusal('createApiKey', { name: 'n', iamId: 'IBMid-other', accountId: OTHER_ACCOUNT }, identity)).toBe(
      '403 forbidden',
    )
  })

  it('are one’s own to make, disable and delete without any right', async () => {
    const { id } = await create({ iamId: 'IBMid-reader' }, asViewer)
    expect((await call('disableApiKey', { id }, asViewer)).status).toBe(204)
    expect((await call('deleteApiKey', { id }, asViewer)).status).toBe(204)
  })

  it('are not a service ID’s own to make: a leaked key would make others that outlive it', async () => {
    const { result } = await call('createServiceId', { accountId: ACCOUNT, name: 's', apikey: { name: 'k' } })
    const asServiceId = await platformClient('iam-identity/v1', server.url, result.apikey.apikey)
    expect(await refusal('createApiKey', { name: 'n', iamId: result.iam_id }, asServiceId)).toBe('403 forbidden')
    expect((await create({ iamId: result.iam_id })).iam_id).toBe(result.iam_id)
  })

  it('are listed by identity, by account and by type', async () => {
    const ids = async (parameters: object, client?: IbmClient): Promise<readonly string[]> =>
      (await call('listApiKeys', { pagesize: 100, ...parameters }, client)).result.apikeys.map(
        ({ iam_id }: { iam_id: string }) => iam_id,
      )
    expect(new Set(await ids({}))).toEqual(new Set(['IBMid-main']))
    expect(new Set(await ids({ iamId: 'IBMid-reader' }))).toEqual(new Set(['IBMid-reader']))
    const all = await ids({ scope: 'account' })
    expect(all).toContain('IBMid-reader')
    expect((await ids({ scope: 'account', type: 'serviceid' })).every((id) => id.startsWith('iam-'))).toBe(true)
    expect(new Set(await ids({}, asOther))).toEqual(new Set(['IBMid-other']))
    expect(await refusal('listApiKeys', { accountId: ACCOUNT, scope: 'account' }, asOther)).toBe('403 forbidden')
    expect(await refusal('listApiKeys', { scope: 'everything' })).toBe('400 invalid_request')
  })
})

describe('the last API key that an Administrator of the account comes in with', () => {
  const MAIN = { accountId: ACCOUNT, iamId: 'IBMid-main' }
  const LAST = { code: 'LastAdministrator' }
  const DAY_MS = 86_400_000
  async function account() {
    let nowMs = Date.now()
    const iam = await openTestIam(memoryStore(), () => nowMs)
    await applyBootstrap(iam, BOOTSTRAP)
    const keysOf = (iamId: string) => iam.apiKeys.list(ACCOUNT).filter((key) => key.iamId === iamId)
    const [only] = keysOf('IBMid-main')
    if (!only) throw new Error('there is no key')
    const later = (days: number) => {
      nowMs += days * DAY_MS
    }
    const make = async (more: object = {}) =>
      (await iam.apiKeys.create({ owner: MAIN, name: 'key', ...more }, MAIN)).apiKey
    return { iam, only, make, later, inDays: (days: number) => nowMs + days * DAY_MS }
  }

  it('is not disabled, deleted, or said to expire', async () => {
    const { iam, only, make } = await account()
    const losses = () => [
      iam.apiKeys.setDisabled(only.id, true, MAIN),
      iam.apiKeys.delete(only.id),
      iam.apiKeys.update(only.id, { expiresAtMs: Date.now() + DAY_MS }, MAIN),
    ]
    for (const outcome of await Promise.allSettled(losses())) expect(outcome).toMatchObject({ reason: LAST })
    await iam.apiKeys.update(only.id, { name: 'renamed' }, MAIN)
    // Neither one that does not work nor one of somebody else takes its place.
    const disabled = await make({ disabled: true })
    await expect(iam.apiKeys.delete(only.id)).rejects.toMatchObject(LAST)
    await iam.apiKeys.setDisabled(disabled.id, false, MAIN)
    await iam.apiKeys.delete(only.id)
    await expect(iam.apiKeys.delete(disabled.id)).rejects.toMatchObject(LAST)
  })

  it('may be one that expires where there is no other, and does not once it has', async () => {
    const { iam, only, make, later, inDays } = await account()
    const expires = await make({ expiresAtMs: inDays(10) })
    await expect(iam.apiKeys.delete(only.id)).rejects.toMatchObject(LAST)
    await iam.apiKeys.setDisabled(expires.id, true, MAIN)
    await iam.apiKeys.setDisabled(expires.id, false, MAIN)
    const lasting = await make()
    later(20)
    await iam.apiKeys.delete(only.id)
    await expect(iam.apiKeys.delete(lasting.id)).rejects.toMatchObject(LAST)
    await iam.apiKeys.delete(expires.id)
  })

  it('keeps its owner, whoever else has the role and no key', async () => {
    const { iam, only } = await account()
    const [other] = await iam.people.invite({ accountId: ACCOUNT, emails: ['b@example.com'] }, MAIN)
    if (!other) throw new Error('nobody was invited')
    const { iamId, name, email } = other
    await iam.identities.putUser({ accountId: ACCOUNT, iamId, name, email, roles: { iam: 'Administrator' } })
    await iam.identities.putCredential(other, { accessKeyId: 'AKB', secretAccessKey: 'SKB' })
    await expect(iam.people.remove(MAIN)).rejects.toMatchObject(LAST)
    await expect(iam.people.update(MAIN, { state: 'VPN_ONLY' }, MAIN)).rejects.toMatchObject(LAST)
    await expect(iam.apiKeys.delete(only.id)).rejects.toMatchObject(LAST)
    // Who cannot come in is no loss.
    await iam.people.remove(other)
  })

  it('is kept by whoever of two goes last, and told so over HTTP', async () => {
    const { iam, only, make } = await account()
    const second = await make()
    const outcomes = await Promise.allSettled([
      iam.apiKeys.delete(only.id),
      iam.apiKeys.setDisabled(second.id, true, MAIN),
    ])
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected'])
    const [others] = (await call('listApiKeys', { iamId: 'IBMid-other' }, asOther)).result.apikeys
    expect(await refusal('deleteApiKey', { id: others.id }, asOther)).toBe('409 conflict')
    expect(await refusal('disableApiKey', { id: others.id }, asOther)).toBe('409 conflict')
  })
})

describe('a key that a bootstrap file declares', () => {
  it('has an id, stays disabled after the next start, and is not made twice', async () => {
    const declared = memoryStore()
    const first = await serveIam(declared)
    const [key] = first.iam.apiKeys.list(ACCOUNT).filter(({ iamId }) => iamId === 'IBMid-reader')
    await first.iam.apiKeys.setDisabled(key?.id ?? '', true, { accountId: ACCOUNT, iamId: 'IBMid-main' })
    await first.close()
    const second = await serveIam(declared)
    expect(second.iam.apiKeys.get(key?.id ?? '')).toMatchObject({ disabled: true })
    await expect(second.token('kr')).rejects.toMatchObject({ code: 'ApiKeyNotFound' })
    await second.close()
  })

  it('written before keys had ids gets the same one at every start', async () => {
    const old = memoryStore()
    await (await serveIam(old)).close()
    const rows = await old.range(68, { gte: Buffer.alloc(0), lt: Buffer.alloc(65, 255), limit: 9 })
    for (const { key, value } of rows) {
      const { row }: { row: Record<string, unknown> } = JSON.parse(value.toString())
      const { accountId, iamId, hash } = row
      const before = Buffer.from(JSON.stringify({ version: 1, row: { accountId, iamId, hash } }))
      await old.commit([{ type: 'put', space: 68, key, value: before }])
    }
    const [one, other] = [await openTestIam(old), await openTestIam(old)]
    expect(one.apiKeys.list(ACCOUNT).map(({ id }) => id)).toEqual(other.apiKeys.list(ACCOUNT).map(({ id }) => id))
    await expect(one.tokens.issueForApiKey('k1')).resolves.toBeDefined()
  })
})
