import { createPublicKey, randomBytes } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type GivenImportToken, transported } from '../support/import-token.ts'
import { type KeyProtectServer, keyProtectServer, newKey, refusal } from '../support/key-protect.ts'

let server: KeyProtectServer
beforeEach(async () => {
  server = await keyProtectServer({ settings: { rotateIntervalMs: 0, enableDelayMs: 0, restoreDelayMs: 0 } })
})
afterEach(() => server.close())

const SECOND_MS = 1000

/** A new token, retrieved. */
async function givenToken(body: object = { maxAllowedRetrievals: 500 }): Promise<GivenImportToken> {
  await server.call('POST', '/import_token', { body })
  return (await server.call('GET', '/import_token')).json
}

const importKey = (resource: object) =>
  server.call('POST', '/keys', { body: newKey({ name: 'imported', extractable: false, ...resource }) })

/** Whether what the key wraps is opened by a key that was imported in clear with the same material: only `restore` compares. */
async function holds(id: string, material: Buffer): Promise<boolean> {
  await server.call('DELETE', `/keys/${id}`)
  const payload = material.toString('base64')
  const { status } = await server.call('POST', `/keys/${id}/restore`, { body: newKey({ payload }) })
  return status === 201
}

describe('POST /import_token', () => {
  it('makes a token for ten minutes and one retrieval unless told otherwise', async () => {
    const { status, json } = await server.call('POST', '/import_token')
    expect(status).toBe(200)
    expect(json).toEqual({
      creationDate: '2030-01-01T00:00:00Z',
      expirationDate: '2030-01-01T00:10:00Z',
      maxAllowedRetrievals: 1,
      remainingRetrievals: 1,
    })
    const body = { expiration: 86_400, maxAllowedRetrievals: 500 }
    expect((await server.call('POST', '/import_token', { body })).json).toMatchObject({
      expirationDate: '2030-01-02T00:00:00Z',
      remainingRetrievals: 500,
    })
  })

  it.each([
    [{ expiration: 299 }, '400 INVALID_FIELD_ERR'],
    [{ expiration: 86_401 }, '400 INVALID_FIELD_ERR'],
    [{ expiration: 300.5 }, '400 INVALID_FIELD_ERR'],
    [{ maxAllowedRetrievals: 0 }, '400 INVALID_FIELD_ERR'],
    [{ maxAllowedRetrievals: 501 }, '400 INVALID_FIELD_ERR'],
    [{ expiration: '600' }, '400 BAD_BODY_ERR'],
    [{ lifetime: 600 }, '400 BAD_BODY_ERR'],
  ])('refuses %j', async (body, expected) => {
    expect(refusal(await server.call('POST', '/import_token', { body }))).toBe(expected)
  })

  it('is refused to strangers', async () => {
    const headers = { authorization: 'Bearer stranger-token' }
    for (const method of ['POST', 'GET']) {
      expect((await server.call(method, '/import_token', { headers })).status).toBe(401)
    }
  })

  it('replaces the token before: what came under that one is refused', async () => {
    const material = randomBytes(32)
    const before = await givenToken()
    const after = await givenToken()
    expect(after.payload).not.toBe(before.payload)
    expect(after.nonce).not.toBe(before.nonce)
    expect(refusal(await importKey(transported(before, material)))).toBe('400 INCORRECT_NONCE_ERR')
    expect((await importKey(transported(after, material))).status).toBe(201)
  })
})

describe('GET /import_token', () => {
  it('gives the public key and a nonce, and counts', async () => {
    expect(refusal(await server.call('GET', '/import_token'))).toBe('404 IMPORT_TOKEN_NOT_FOUND_ERR')
    await server.call('POST', '/import_token', { body: { maxAllowedRetrievals: 2 } })
    const first = (await server.call('GET', '/import_token')).json
    expect(first).toMatchObject({ maxAllowedRetrievals: 2, remainingRetrievals: 1 })
    const key = createPublicKey(Buffer.from(first.payload, 'base64').toString('latin1'))
    expect([key.asymmetricKeyType, key.asymmetricKeyDetails?.modulusLength]).toEqual(['rsa', 2048])
    expect(Buffer.from(first.nonce, 'base64')).toHaveLength(12)
    const second = (await server.call('GET', '/import_token')).json
    expect(second).toEqual({ ...first, remainingRetrievals: 0 })
    expect(refusal(await server.call('GET', '/import_token'))).toBe('409 IMPORT_TOKEN_EXPIRED_ERR')
    // Key Protect: what was retrieved goes on until the token expires.
    expect((await importKey(transported(first, randomBytes(32)))).status).toBe(201)
  })

  it('counts each of many at once', async () => {
    await server.call('POST', '/import_token', { body: { maxAllowedRetrievals: 3 } })
    const answers = await Promise.all(Array.from({ length: 8 }, () => server.call('GET', '/import_token')))
    expect(answers.filter(({ status }) => status === 200).map(({ json }) => json.remainingRetrievals)).toEqual([
      2, 1, 0,
    ])
  })

  it('is over when the token expires', async () => {
    const token = await givenToken({ expiration: 300, maxAllowedRetrievals: 9 })
    server.passTime(300 * SECOND_MS - 1)
    expect((await server.call('GET', '/import_token')).status).toBe(200)
    server.passTime(1)
    expect(refusal(await server.call('GET', '/import_token'))).toBe('409 IMPORT_TOKEN_EXPIRED_ERR')
    expect(refusal(await importKey(transported(token, randomBytes(32))))).toBe('409 IMPORT_TOKEN_EXPIRED_ERR')
  })
})

describe('material under an import token', () => {
  it.each([16, 24, 32])('of %i bytes becomes a root key', async (length) => {
    const material = randomBytes(length)
    const { status, json } = await importKey(transported(await givenToken(), material))
    expect(status).toBe(201)
    expect(json.resources[0]).toMatchObject({ imported: true, extractable: false })
    expect(json.resources[0].payload).toBeUndefined()
    expect(await holds(json.resources[0].id, material)).toBe(true)
  })

  it('comes under SHA-256 unless SHA-1 is said', async () => {
    const token = await givenToken()
    const material = randomBytes(32)
    const sha1 = transported(token, material, { hash: 'sha1' })
    const named = { ...transported(token, material), encryptionAlgorithm: 'RSAES_OAEP_SHA_256' }
    expect((await importKey(named)).status).toBe(201)
    expect((await importKey({ ...sha1, encryptionAlgorithm: 'RSAES_OAEP_SHA_1' })).status).toBe(201)
    expect(refusal(await importKey(sha1))).toBe('400 INCORRECT_NONCE_ERR')
    const other = { ...named, encryptionAlgorithm: 'RSAES_PKCS1_V1_5' }
    const answer = await importKey(other)
    expect(refusal(answer)).toBe('400 INVALID_FIELD_ERR')
    expect(answer.json.resources[0].reasons[0].target.name).toBe('encryptionAlgorithm')
  })

  it('becomes a standard key, whose payload is the material', async () => {
    const material = randomBytes(32)
    const { json } = await importKey({ ...transported(await givenToken(), material), extractable: true })
    expect(json.resources[0].payload).toBe(material.toString('base64'))
  })

  it('rotates an imported key, and restores it', async () => {
    const token = await givenToken()
    const [first, second] = [randomBytes(32), randomBytes(32)]
    const id = await server.rootKey(transported(token, first))
    const { json: wrapped } = await server.call('POST', `/keys/${id}/actions/wrap`)
    const rotated = await server.call('POST', `/keys/${id}/actions/rotate`, { body: transported(token, second) })
    expect(rotated.status).toBe(204)
    await server.call('DELETE', `/keys/${id}`)
    const restore = (material: Buffer) =>
      server.call('POST', `/keys/${id}/restore`, { body: newKey(transported(token, material)) })
    expect(refusal(await restore(first))).toBe('400 INVALID_FIELD_ERR')
    expect((await restore(second)).status).toBe(201)
    const body = { ciphertext: wrapped.ciphertext }
    expect((await server.call('POST', `/keys/${id}/actions/unwrap`, { body })).json.plaintext).toBe(wrapped.plaintext)
  })

  it.each([
    ['payload', 'encryptedNonce'],
    ['encryptedNonce', 'iv'],
    ['iv', 'payload'],
  ])('needs its %s, not only its %s', async (missing) => {
    const { [missing]: _, ...rest }: Record<string, string> = transported(await givenToken(), randomBytes(32))
    const answer = await importKey(rest)
    expect(refusal(answer)).toBe('400 INVALID_FIELD_ERR')
    expect(answer.json.resources[0].reasons[0].target.name).toBe(missing)
  })

  it('is refused when anything about it is wrong, always with the same words', async () => {
    const token = await givenToken()
    const material = randomBytes(32)
    const good = transported(token, material)
    const b64 = (bytes: Buffer) => bytes.toString('base64')
    const flipped = (text: string, at: number) => {
      const bytes = Buffer.from(text, 'base64')
      bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at)
      return b64(bytes)
    }
    const wrong = [
      { ...good, payload: flipped(good.payload, 100) },
      { ...good, payload: b64(randomBytes(256)) },
      { ...good, payload: b64(randomBytes(32)) },
      { ...good, payload: b64(Buffer.alloc(256, 0xff)) },
      { ...good, encryptedNonce: flipped(good.encryptedNonce, 0) },
      { ...good, encryptedNonce: flipped(good.encryptedNonce, 27) },
      { ...good, encryptedNonce: b64(Buffer.from(good.encryptedNonce, 'base64').subarray(0, 16)) },
      { ...good, iv: b64(randomBytes(12)) },
      transported(token, material, { nonce: randomBytes(12) }),
      { ...good, payload: transported(token, randomBytes(32)).payload },
    ]
    const answers = await Promise.all(wrong.map(importKey))
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1)
    expect(answers.map(refusal)).toEqual(wrong.map(() => '400 INCORRECT_NONCE_ERR'))
    expect(refusal(await importKey({ ...good, iv: b64(randomBytes(16)) }))).toBe('400 INCORRECT_NONCE_IV_ERR')
    expect(refusal(await importKey({ ...good, iv: '%' }))).toBe('400 INVALID_FIELD_ERR')
  })

  it('needs a token', async () => {
    const token = await givenToken()
    const fresh = await keyProtectServer()
    const body = newKey({ extractable: false, ...transported(token, randomBytes(32)) })
    expect(refusal(await fresh.call('POST', '/keys', { body }))).toBe('409 IMPORT_TOKEN_EXPIRED_ERR')
    await fresh.close()
  })

  it('is the only way in when the instance enforces it', async () => {
    const TYPE = 'application/vnd.ibm.kms.policy+json'
    const policy = {
      policy_type: 'keyCreateImportAccess',
      policy_data: { enabled: true, attributes: { enforce_token: true } },
    }
    const body = { metadata: { collectionType: TYPE, collectionTotal: 1 }, resources: [policy] }
    const path = '/instance/policies?policy=keyCreateImportAccess'
    expect((await server.call('PUT', path, { body })).status).toBe(204)
    const token = await givenToken()
    const clear = { payload: randomBytes(32).toString('base64') }
    expect(refusal(await importKey(clear))).toBe('409 KEY_CREATE_IMPORT_ACCESS_ERR')
    const material = randomBytes(32)
    const id = await server.rootKey(transported(token, material))
    const rotate = (sent: object) => server.call('POST', `/keys/${id}/actions/rotate`, { body: sent })
    expect(refusal(await rotate(clear))).toBe('409 KEY_CREATE_IMPORT_ACCESS_ERR')
    expect((await rotate(transported(token, material))).status).toBe(204)
    await server.call('DELETE', `/keys/${id}`)
    const restore = (sent: object) => server.call('POST', `/keys/${id}/restore`, { body: newKey(sent) })
    const inClear = { payload: material.toString('base64') }
    expect(refusal(await restore(inClear))).toBe('409 KEY_CREATE_IMPORT_ACCESS_ERR')
    expect((await restore(transported(token, material))).status).toBe(201)
  })
})
