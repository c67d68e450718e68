import { describe, expect, it, vi } from 'vitest'
import { createVerifiedTokens } from '../../src/iam/verified-tokens.ts'
import { ACCOUNT, OBJECTS_CRN, serveIam } from './serve.ts'

vi.mock('jose', async (original) => {
  const jose = await original<typeof import('jose')>()
  return { ...jose, jwtVerify: vi.fn(jose.jwtVerify) }
})

const DAY = 86_400_000
const BY = { accountId: ACCOUNT, iamId: 'IBMid-main' }

/** A server and an invited user whose token was verified before. */
async function known() {
  const server = await serveIam()
  const [person] = await server.iam.people.invite({ accountId: ACCOUNT, emails: ['known@example.com'] }, BY)
  const owner = { accountId: ACCOUNT, iamId: person?.iamId ?? '' }
  const { name, email } = server.iam.people.get(owner)
  await server.iam.identities.putUser({ ...owner, name, email, roles: { iam: 'Administrator' } })
  const { apiKey, value } = await server.iam.apiKeys.create({ owner, name: 'its key' }, BY)
  const jwt = await server.token(value)
  await expect(server.iam.verifyToken(jwt)).resolves.toMatchObject(owner)
  return { server, owner, apiKey, jwt, verify: () => server.iam.verifyToken(jwt), [Symbol.asyncDispose]: server.close }
}

describe('a token that was verified before', () => {
  type Known = Awaited<ReturnType<typeof known>>
  it.each<[string, (at: Known) => Promise<unknown>]>([
    ['its user is removed', ({ server, owner }) => server.iam.people.remove(owner)],
    ['its user is shut out', ({ server, owner }) => server.iam.people.update(owner, { state: 'VPN_ONLY' }, BY)],
    ['its API key is deleted', ({ server, apiKey }) => server.iam.apiKeys.delete(apiKey.id)],
    ['its API key is disabled', ({ server, apiKey }) => server.iam.apiKeys.setDisabled(apiKey.id, true, BY)],
  ])('is refused at once when %s', async (_, end) => {
    await using at = await known()
    await end(at)
    await expect(at.verify()).rejects.toMatchObject({ code: 'InvalidToken' })
  })

  it('is refused when its time is over', async () => {
    await using at = await known()
    at.server.pass(3_600_000 - 5000)
    await expect(at.verify()).resolves.toBeDefined()
    at.server.pass(5000)
    await expect(at.verify()).rejects.toMatchObject({ code: 'ExpiredToken' })
    await expect(at.verify()).rejects.toMatchObject({ code: 'ExpiredToken' })
  })

  it('is refused when the key that signed it was destroyed', async () => {
    await using at = await known()
    const { signingKeys } = at.server.iam
    await signingKeys.rotate()
    at.server.pass(DAY + 1000)
    await signingKeys.maintain()
    at.server.pass(DAY + 2 * 60_000)
    await signingKeys.maintain()
    expect(signingKeys.list()).toHaveLength(1)
    // Its own time would tell too, were the clock not set back.
    at.server.pass(-2 * DAY - 2 * 60_000)
    await expect(at.verify()).rejects.toMatchObject({ code: 'InvalidToken' })
  })

  it('gives the rights of now, and a service token ends with what its caller may', async () => {
    await using at = await known()
    const { server, owner, jwt, verify } = at
    const { accessToken } = await server.iam.tokens.issueForService(jwt, OBJECTS_CRN)
    await expect(server.iam.verifyToken(accessToken)).resolves.toMatchObject({ type: 'service' })
    const { name, email } = server.iam.people.get(owner)
    await server.iam.identities.putUser({ ...owner, name, email, roles: { iam: 'Viewer' } })
    await expect(verify()).resolves.toMatchObject({ roles: { iam: 'Viewer' } })
    await expect(server.iam.verifyToken(accessToken)).rejects.toMatchObject({ code: 'NotPermitted' })
  })

  it('is told from another one that differs in its last character only', async () => {
    await using at = await known()
    const last = at.jwt.at(-1) === 'A' ? 'Q' : 'A'
    await expect(at.server.iam.verifyToken(at.jwt.slice(0, -1) + last)).rejects.toMatchObject({ code: 'InvalidToken' })
    await expect(at.server.iam.verifyToken(`${at.jwt}.`)).rejects.toMatchObject({ code: 'InvalidToken' })
  })

  it('has its signature verified once', async () => {
    await using at = await known()
    const { jwtVerify } = await import('jose')
    const before = vi.mocked(jwtVerify).mock.calls.length
    for (let times = 0; times < 5; times++) await at.verify()
    await at.server.iam.tokens.issueForService(at.jwt, OBJECTS_CRN)
    expect(vi.mocked(jwtVerify).mock.calls).toHaveLength(before)
  })
})

describe('the tokens that are remembered', () => {
  const token = (n: number) => ({ claims: n, kid: 'k', expiresAtSeconds: n })

  it('are bounded, and the one that was asked for the longest ago goes', () => {
    const tokens = createVerifiedTokens<number>(3)
    for (const n of [1, 2, 3]) tokens.add(`t${n}`, token(n))
    expect(tokens.get('t1')).toEqual(token(1))
    tokens.add('t4', token(4))
    expect([1, 2, 3, 4].map((n) => tokens.get(`t${n}`)?.claims)).toEqual([1, undefined, 3, 4])
  })

  it('are not there any more once removed', () => {
    const tokens = createVerifiedTokens<number>()
    tokens.add('t', token(1))
    tokens.remove('t')
    expect(tokens.get('t')).toBeUndefined()
  })
})
