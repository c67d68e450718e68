import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { KEY_TYPE, type KeyProtectServer, keyProtectServer, newKey, refusal } from '../support/key-protect.ts'
import { bucketCrn, KMS_INSTANCE, MANAGER } from '../support/kms-world.ts'

let server: KeyProtectServer
beforeAll(async () => {
  server = await keyProtectServer()
})
afterAll(() => server.close())

const create = (resource: object, headers: Record<string, string> = {}) =>
  server.call('POST', '/keys', { body: newKey(resource), headers })

describe('POST /keys', () => {
  it('makes a root key and shows everything but its material', async () => {
    const { status, json, headers } = await create(
      { name: 'orders', description: 'of the shop', tags: ['blue'], extractable: false },
      { prefer: 'return=representation', 'correlation-id': 'c-1' },
    )
    expect(status).toBe(201)
    expect(headers.get('correlation-id')).toBe('c-1')
    expect(json.metadata).toEqual({ collectionType: KEY_TYPE, collectionTotal: 1 })
    const [key] = json.resources
    expect(key).toEqual({
      type: KEY_TYPE,
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      name: 'orders',
      description: 'of the shop',
      tags: ['blue'],
      state: 1,
      extractable: false,
      crn: `crn:v1:bluemix:public:kms:us-south:a/${MANAGER.accountId}:${KMS_INSTANCE}:key:${key.id}`,
      imported: false,
      keyRingID: 'default',
      creationDate: '2030-01-01T00:00:00Z',
      createdBy: MANAGER.iamId,
      lastUpdateDate: '2030-01-01T00:00:00Z',
      algorithmType: 'Deprecated',
      algorithmMetadata: { bitLength: '256', mode: 'Deprecated' },
      algorithmBitSize: 256,
      algorithmMode: 'Deprecated',
      keyVersion: { id: expect.any(String), creationDate: '2030-01-01T00:00:00Z' },
      dualAuthDelete: { enabled: false },
      deleted: false,
    })
  })

  it('makes a standard key unless told otherwise, and shows its payload', async () => {
    const { json } = await create({ payload: Buffer.from('any bytes').toString('base64') })
    expect(json.resources[0]).toMatchObject({ extractable: true, imported: true, payload: 'YW55IGJ5dGVz' })
    const made = await create({})
    expect(Buffer.from(made.json.resources[0].payload, 'base64')).toHaveLength(32)
  })

  it('answers with the id only when that is preferred', async () => {
    const { status, json } = await create({}, { prefer: 'return=minimal' })
    expect(status).toBe(201)
    expect(json.resources).toEqual([{ type: KEY_TYPE, id: expect.any(String) }])
  })

  it.each([16, 24, 32])('imports a root key of %i bytes and never shows it', async (length) => {
    const payload = Buffer.alloc(length, 0xa5).toString('base64')
    const { status, json, text } = await create({ extractable: false, payload })
    expect(status).toBe(201)
    expect(json.resources[0].imported).toBe(true)
    expect(text).not.toContain(payload)
  })

  it('reads member names without regard to case, and null as absent, as Go does', async () => {
    const body = {
      Metadata: { collectiontype: KEY_TYPE, COLLECTIONTOTAL: 1 },
      RESOURCES: [{ NAME: 'loud', Tags: null }],
    }
    const { json } = await server.call('POST', '/keys', { body })
    expect(json.resources[0].name).toBe('loud')
  })

  it.each([
    ['a root key of 31 bytes', { extractable: false, payload: Buffer.alloc(31).toString('base64') }, 'payload'],
    ['a payload that is not base64', { payload: 'not base64!' }, 'payload'],
    ['no name', { name: undefined }, 'name'],
    ['a name of one character', { name: 'x' }, 'name'],
    ['a name with a NUL', { name: 'ke\0y' }, 'name'],
    ['a name of two lines', { name: 'ke\ny' }, 'name'],
    ['a description with an escape', { description: 'the \u001b[1mkey' }, 'description'],
    ['a tag with a tabulator', { tags: ['blue', 'a\ttag'] }, 'tags'],
    ['an alias with a NUL', { aliases: ['ke\0y'] }, 'alias'],
    ['a name of 91 characters', { name: 'x'.repeat(91) }, 'name'],
    ['31 tags', { tags: Array.from({ length: 31 }, () => 'tag') }, 'tags'],
    ['a date that has passed', { expirationDate: '2029-12-31T23:59:59Z' }, 'expirationDate'],
    ['a date that is none', { expirationDate: 'tomorrow' }, 'expirationDate'],
    ['a day that is none', { expirationDate: '2031-02-30T00:00:00Z' }, 'expirationDate'],
    ['a bad alias', { aliases: ['with space'] }, 'alias'],
    ['another type', { type: 'application/json' }, 'type'],
  ])('refuses %s', async (_, resource, field) => {
    const answer = await create(resource)
    expect(refusal(answer)).toBe('400 INVALID_FIELD_ERR')
    expect(answer.json.resources[0].reasons[0].target).toEqual({ type: 'field', name: field })
  })

  it.each([
    ['an unknown member', { ...newKey({}), extra: 1 }, '400 BAD_BODY_ERR'],
    ['an unknown member of the resource', newKey({ colour: 'blue' }), '400 BAD_BODY_ERR'],
    ['a member of the wrong type', newKey({ extractable: 'false' }), '400 BAD_BODY_ERR'],
    ['a list', [], '400 BAD_BODY_ERR'],
    ['no resources', {}, '400 NUM_COLLECTION_RESOURCE_ERR'],
    [
      'a wrong total',
      { metadata: { collectionTotal: 2 }, resources: [{ name: 'xx' }] },
      '400 COLLECTION_TOTAL_MISMATCH_ERR',
    ],
    [
      'two resources',
      { metadata: { collectionTotal: 2 }, resources: [{ name: 'xx' }, { name: 'yy' }] },
      '400 NUM_COLLECTION_RESOURCE_ERR',
    ],
    ['an empty payload', newKey({ payload: '' }), '400 INVALID_FIELD_ERR'],
    ['an empty payload of a root key', newKey({ payload: '', extractable: false }), '400 INVALID_FIELD_ERR'],
    ['an import token of nothing', newKey({ payload: 'AAAA', encryptedNonce: '', iv: '' }), '400 INVALID_FIELD_ERR'],
    ['half an import token', newKey({ payload: 'AAAA', encryptedNonce: 'AAAA' }), '400 INVALID_FIELD_ERR'],
  ])('refuses a body with %s', async (_, body, expected) => {
    expect(refusal(await server.call('POST', '/keys', { body }))).toBe(expected)
  })

  it('refuses no body, and what is not JSON', async () => {
    expect(refusal(await server.call('POST', '/keys'))).toBe('400 NO_BODY_ERR')
    expect(refusal(await server.call('POST', '/keys', { text: '{"metadata":' }))).toBe('400 BAD_BODY_ERR')
    for (const text of [`${'{"a":'.repeat(3000)}1${'}'.repeat(3000)}`, `${'['.repeat(20_000)}${']'.repeat(20_000)}`]) {
      expect(refusal(await server.call('POST', '/keys', { text }))).toBe('400 BAD_BODY_ERR')
    }
    const answer = await server.call('POST', '/keys', { body: { ...newKey({}), extra: 1 } })
    expect(answer.json).toEqual({
      metadata: { collectionType: 'application/vnd.ibm.kms.error+json', collectionTotal: 1 },
      resources: [
        {
          errorMsg: 'Bad Request: Key could not be created: Please see `reasons` for more details (BAD_BODY_ERR)',
          reasons: [
            {
              code: 'BAD_BODY_ERR',
              message: 'json: unknown field "extra"',
              status: 400,
              moreInfo: 'https://cloud.ibm.com/apidocs/key-protect',
              target: { type: 'field', name: 'extra' },
            },
          ],
        },
      ],
    })
  })

  it('refuses an alias that is in use', async () => {
    await create({ aliases: ['mine'] })
    expect(refusal(await create({ aliases: ['mine'] }))).toBe('409 KEY_ALIAS_NOT_UNIQUE_ERR')
  })
})

describe('every call', () => {
  it.each([
    ['no token', { without: ['authorization'] }],
    ['a token that is not ours', { headers: { authorization: 'Bearer nonsense' } }],
    ['another scheme', { headers: { authorization: 'Basic manager-token' } }],
    ['a user without right', { headers: { authorization: 'Bearer stranger-token' } }],
    ['an instance that is not there', { headers: { 'bluemix-instance': '99999999-9999-4999-8999-999999999999' } }],
  ])('with %s is unauthorized, without a reason', async (_, options) => {
    const answer = await server.call('GET', '/keys', options)
    expect(answer.status).toBe(401)
    expect(answer.json).toEqual({
      metadata: { collectionType: 'application/vnd.ibm.kms.error+json', collectionTotal: 1 },
      resources: [{ errorMsg: 'Unauthorized: The user does not have access to the specified resource' }],
    })
  })

  it.each([
    ['without Bluemix-Instance', { without: ['bluemix-instance'] }],
    ['with one that is no UUID', { headers: { 'bluemix-instance': 'mine' } }],
  ])('%s is a bad request', async (_, options) => {
    const answer = await server.call('GET', '/keys', options)
    expect(answer.status).toBe(400)
    expect(answer.json.resources[0].errorMsg).toContain(
      'requires valid Bluemix-Instance Header containing a valid UUID',
    )
  })

  it.each([
    ['GET', '/kmip_adapters', '501 NOT_IMPLEMENTED_ERR'],
    ['GET', '/kmip_adapters/a/kmip_objects/b', '501 NOT_IMPLEMENTED_ERR'],
    ['POST', '/keys/some?action=dance', '400 INVALID_QUERY_PARAM_ERR'],
    ['POST', '/keys/some', '400 INVALID_QUERY_PARAM_ERR'],
    ['POST', `/keys/some/registrations/${encodeURIComponent(bucketCrn('x'))}`, '403 SERVICE_ONLY_ERR'],
    ['GET', '/nothing/here', '404 NOT_FOUND_ERR'],
    ['PATCH', '/keys', '405 METHOD_NOT_ALLOWED_ERR'],
  ])('%s %s is refused by name: %s', async (method, path, expected) => {
    expect(refusal(await server.call(method, path))).toBe(expected)
  })
})
