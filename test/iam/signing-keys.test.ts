import { createLocalJWKSet, decodeProtectedHeader, type JSONWebKeySet, jwtVerify } from 'jose'
import { describe, expect, it } from 'vitest'
import { memoryStore } from '../../src/storage/metadata/memory-store.ts'
import type { MetadataStore } from '../../src/storage/metadata/metadata-store.ts'
import { openTestIam, serveIam, type TestServer } from './serve.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR

const keySet = async ({ url }: TestServer): Promise<JSONWebKeySet> =>
  JSON.parse(await (await fetch(`${url}/identity/keys`)).text())
const signerOf = (jwt: string): string => decodeProtectedHeader(jwt).kid ?? ''
const isVerifiedWith = async (jwt: string, keys: JSONWebKeySet, atMs: number): Promise<boolean> =>
  jwtVerify(jwt, createLocalJWKSet(keys), { currentDate: new Date(atMs) }).then(
    () => true,
    () => false,
  )

describe('the keys that sign tokens', () => {
  it('are shown for a day before they sign, and until their last token has expired', async () => {
    await using server = await running()
    const { signingKeys } = server.iam
    const old = await server.token('k1')

    const next = await signingKeys.rotate()
    expect(next.state).toBe('waiting')
    const remembered = await keySet(server)
    expect(remembered.keys.map(({ kid }) => kid)).toEqual([signerOf(old), next.kid])
    expect(signerOf(await server.token('k1'))).toBe(signerOf(old))

    server.pass(DAY - 2000)
    const last = await server.token('k1')
    expect(signerOf(last)).toBe(signerOf(old))
    server.pass(4000)
    const first = await server.token('k1')
    expect(signerOf(first)).toBe(next.kid)
    // Somebody who has not asked for keys since yesterday knows both.
    for (const jwt of [last, first]) expect(await isVerifiedWith(jwt, remembered, server.now())).toBe(true)

    await signingKeys.maintain()
    await expect(server.iam.verifyToken(last)).resolves.toBeDefined()
    expect(signingKeys.list().map(({ state }) => state)).toEqual(['retired', 'signing'])
    server.pass(DAY + 2 * 60_000)
    await signingKeys.maintain()
    expect((await keySet(server)).keys.map(({ kid }) => kid)).toEqual([next.kid])
  })

  it('are changed by themselves when they grow old, and once only', async () => {
    await using server = await running()
    const { signingKeys } = server.iam
    await signingKeys.maintain()
    expect(signingKeys.list()).toHaveLength(1)
    server.pass(29 * DAY)
    await Promise.all([signingKeys.maintain(), signingKeys.maintain(), signingKeys.rotate()])
    expect(signingKeys.list().map(({ state }) => state)).toEqual(['signing', 'waiting'])
    server.pass(DAY)
    expect(signingKeys.list().map(({ state }) => state)).toEqual(['retired', 'signing'])
  })

  it('are the same after a restart', async () => {
    const store = memoryStore()
    const before = await openTestIam(store)
    const next = await before.signingKeys.rotate()
    const after = await openTestIam(store)
    expect(after.signingKeys.list()).toEqual(before.signingKeys.list())
    expect(after.signingKeys.list().at(-1)?.kid).toBe(next.kid)
  })

  it('may be kept by others for less time than a new one is shown before it signs', async () => {
    await using server = await running()
    const { headers } = await fetch(`${server.url}/identity/keys`)
    expect(headers.get('cache-control')).toBe('public, max-age=3600')
  })

  it('are none that sign when the clock goes back before them all', async () => {
    await using server = await running()
    server.pass(-DAY)
    await expect(server.token('k1')).resolves.toBeDefined()
  })
})

describe('a store from before there were several keys', () => {
  it('goes on with its key, which verifies what it signed, and gets a next one', async () => {
    const store = memoryStore()
    await openTestIam(store)
    await forgetTimes(store)
    const iam = await openTestIam(store)
    expect(iam.signingKeys.list()).toMatchObject([{ state: 'signing', signsFromMs: 0 }])
    await iam.signingKeys.maintain()
    expect(iam.signingKeys.list().map(({ state }) => state)).toEqual(['signing', 'waiting'])
  })
})

it('says at the well-known place where tokens and keys are', async () => {
  await using server = await running()
  const reply = await fetch(`${server.url}/identity/.well-known/openid-configuration`)
  expect(await reply.json()).toMatchObject({
    issuer: 'https://iam.cloud.ibm.com/identity',
    token_endpoint: `${server.url}/identity/token`,
    jwks_uri: `${server.url}/identity/keys`,
    id_token_signing_alg_values_supported: ['RS256'],
  })
})

async function running() {
  const server = await serveIam()
  let passedMs = 0
  return {
    ...server,
    pass: (ms: number) => {
      passedMs += ms
      server.pass(ms)
    },
    now: () => Date.now() + passedMs,
    [Symbol.asyncDispose]: server.close,
  }
}

const SIGNING_KEYS = 70

/** As the rows were written that had a key and its id only. */
async function forgetTimes(store: MetadataStore): Promise<void> {
  for (const { key, value } of await store.range(SIGNING_KEYS, {
    gte: Buffer.alloc(0),
    lt: Buffer.alloc(8, 255),
    limit: 9,
  })) {
    const { row }: { row: object } = JSON.parse(value.toString())
    const { createdAtMs: _, signsFromMs: __, ...old } = { createdAtMs: 0, signsFromMs: 0, ...row }
    const written = Buffer.from(JSON.stringify({ version: 1, row: old }))
    await store.commit([{ type: 'put', space: SIGNING_KEYS, key, value: written }])
  }
}
