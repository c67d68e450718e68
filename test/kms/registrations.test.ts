import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { KMS_SPACE, rowsUnder } from '../../src/kms/keyspace.ts'
import { type KeyProtectServer, keyProtectServer, refusal } from '../support/key-protect.ts'
import { bucketCrn, storageService } from '../support/kms-world.ts'

let server: KeyProtectServer
let key: string
beforeAll(async () => {
  server = await keyProtectServer()
  key = await server.rootKey({ name: 'orders' })
  for (const bucket of ['logs-1', 'logs-2']) {
    await server.kms.register(server.serviceCaller, key, { resourceCrn: bucketCrn(bucket), description: bucket })
  }
  const other = await server.rootKey()
  await server.kms.register(server.serviceCaller, other, { resourceCrn: bucketCrn('kept'), preventKeyDeletion: true })
})
afterAll(() => server.close())

const crnsAt = async (path: string) => {
  const { json } = await server.call('GET', path)
  return (json.resources ?? []).map(({ resourceCrn }: { resourceCrn: string }) => resourceCrn)
}

describe('GET /keys/{id}/registrations and /keys/registrations', () => {
  it('show what protects what', async () => {
    const { json } = await server.call('GET', `/keys/${key}/registrations?totalCount=true&limit=1`)
    expect(json).toEqual({
      metadata: {
        collectionType: 'application/vnd.ibm.kms.registration+json',
        collectionTotal: 1,
        totalCount: 2,
      },
      resources: [
        {
          keyId: key,
          keyName: 'orders',
          resourceCrn: bucketCrn('logs-1'),
          createdBy: storageService().iamId,
          creationDate: '2030-01-01T00:00:00Z',
          updatedBy: storageService().iamId,
          lastUpdated: '2030-01-01T00:00:00Z',
          description: 'logs-1',
          preventKeyDeletion: false,
          keyVersion: { id: expect.any(String), creationDate: '2030-01-01T00:00:00Z' },
        },
      ],
    })
  })

  it('of all keys', async () => {
    expect(await crnsAt('/keys/registrations')).toEqual(['logs-1', 'logs-2', 'kept'].map((name) => bucketCrn(name)))
    expect(await crnsAt('/keys/registrations?preventKeyDeletion=true')).toEqual([bucketCrn('kept')])
  })

  it('are found by CRN, encoded once or twice', async () => {
    const once = encodeURIComponent(bucketCrn('logs-*'))
    for (const query of [once, encodeURIComponent(once)]) {
      expect(await crnsAt(`/keys/registrations?urlEncodedResourceCRNQuery=${query}`)).toHaveLength(2)
    }
    const answer = await server.call('GET', '/keys/registrations?urlEncodedResourceCRNQuery=crn%3A*')
    expect(refusal(answer)).toBe('400 INVALID_QUERY_PARAM_ERR')
  })

  it('are found by patterns: whole segments, or the end of the last one', async () => {
    const find = (crn: string, of = key) =>
      crnsAt(`/keys/${of}/registrations?urlEncodedResourceCRNQuery=${encodeURIComponent(crn)}`)
    expect(await find(bucketCrn('*'))).toHaveLength(2)
    expect(await find('crn:v1:*:*:*:*:*:*:*:logs-2')).toEqual([bucketCrn('logs-2')])
    expect(await find('crn:*:*:*:*:*:*:*:*:*')).toHaveLength(2)
    expect(await find(bucketCrn('logs'))).toEqual([])
  })

  it.each([
    ['a wildcard within a segment', 'crn:v1:blue*:public:cloud-object-storage:global:a/b:c:bucket:d'],
    ['a wildcard that is not the end', bucketCrn('lo*gs')],
    ['too few segments', 'crn:v1:bluemix:public:cloud-object-storage:*'],
    ['no CRN', '%'],
  ])('refuse %s', async (_, crn) => {
    const path = `/keys/${key}/registrations?urlEncodedResourceCRNQuery=${encodeURIComponent(crn)}`
    expect(refusal(await server.call('GET', path))).toBe('400 INVALID_QUERY_PARAM_ERR')
  })

  it('refuse wildcards before the instance when all keys are asked', async () => {
    const find = (crn: string) =>
      server.call('GET', `/keys/registrations?urlEncodedResourceCRNQuery=${encodeURIComponent(crn)}`)
    const crn = bucketCrn('x').split(':')
    for (let at = 0; at < 8; at++) {
      expect(refusal(await find(crn.with(at, '*').join(':')))).toBe('400 INVALID_QUERY_PARAM_ERR')
    }
    expect((await find([...crn.slice(0, 8), '*', '*'].join(':'))).json.metadata.collectionTotal).toBe(3)
  })

  it('come in pages', async () => {
    const all = await crnsAt('/keys/registrations')
    const paged = [0, 1, 2, 3].map((offset) => crnsAt(`/keys/registrations?limit=1&offset=${offset}`))
    expect((await Promise.all(paged)).flat()).toEqual(all)
    const { json } = await server.call('GET', '/keys/registrations?offset=9&totalCount=true')
    expect(json).toEqual({
      metadata: {
        collectionType: 'application/vnd.ibm.kms.registration+json',
        collectionTotal: 0,
        totalCount: 3,
      },
    })
    for (const query of ['limit=0', 'limit=5001', 'offset=-1', 'preventKeyDeletion=perhaps', 'totalCount=2']) {
      expect(refusal(await server.call('GET', `/keys/registrations?${query}`))).toBe('400 INVALID_QUERY_PARAM_ERR')
    }
  })

  it('are refused for keys that there are not', async () => {
    const path = '/keys/99999999-9999-4999-8999-999999999999/registrations'
    expect(refusal(await server.call('GET', path))).toBe('404 KEY_NOT_FOUND_ERR')
  })
})

describe('POST and DELETE /keys/{id}/registrations/{resource CRN}', () => {
  const at = (id: string, crn: string) => `/keys/${id}/registrations/${encodeURIComponent(crn)}`
  const asService = { headers: { authorization: 'Bearer service-token' } }

  it('are for services, which register and take back what is theirs, as often as they like', async () => {
    const id = await server.rootKey({ name: 'over the wire' })
    const crn = bucketCrn('wired')
    const body = { description: 'a bucket', preventKeyDeletion: true }
    const made = await server.call('POST', at(id, crn), { ...asService, body })
    expect([made.status, made.json.metadata.collectionTotal]).toEqual([201, 1])
    expect(made.json.resources[0]).toMatchObject({ keyId: id, resourceCrn: crn, ...body })
    expect((await server.call('POST', at(id, crn), asService)).status).toBe(201)
    const { json } = await server.call('GET', `/keys/${id}/registrations`)
    expect(json.resources).toMatchObject([{ resourceCrn: crn, preventKeyDeletion: false }])
    for (let repeat = 0; repeat < 2; repeat++) {
      expect((await server.call('DELETE', at(id, crn), asService)).status).toBe(204)
    }
    expect(await crnsAt(`/keys/${id}/registrations`)).toEqual([])
  })

  it('are refused to users, and to services that speak of what is not theirs or is no resource', async () => {
    const id = await server.rootKey({ name: 'refusing' })
    const foreign = bucketCrn('x', '33333333-3333-4333-8333-333333333333')
    for (const method of ['POST', 'PATCH', 'PUT', 'DELETE']) {
      expect(refusal(await server.call(method, at(id, bucketCrn('x'))))).toBe('403 SERVICE_ONLY_ERR')
      expect(refusal(await server.call(method, at(id, foreign), asService))).toBe('403 RESOURCE_OWNER_ERR')
      expect(refusal(await server.call(method, at(id, 'photos'), asService))).toBe('400 INVALID_FIELD_ERR')
    }
    expect(await crnsAt(`/keys/${id}/registrations`)).toEqual([])
  })

  it('are refused as in every other call: unknown keys, standard keys, members that are not known', async () => {
    const unknown = '99999999-9999-4999-8999-999999999999'
    const standard = await server.rootKey({ name: 'standard', extractable: true })
    const id = await server.rootKey({ name: 'strict' })
    expect(refusal(await server.call('POST', at(unknown, bucketCrn('x')), asService))).toBe('404 KEY_NOT_FOUND_ERR')
    expect(refusal(await server.call('POST', at(standard, bucketCrn('x')), asService))).toBe('422 KEY_ROOT_REQ_REG_ERR')
    const body = { prevent: true }
    expect(refusal(await server.call('POST', at(id, bucketCrn('x')), { ...asService, body }))).toBe('400 BAD_BODY_ERR')
  })
})

describe('PATCH and PUT /keys/{id}/registrations/{resource CRN}', () => {
  const crn = bucketCrn('changing')
  const at = (id: string) => `/keys/${id}/registrations/${encodeURIComponent(crn)}`
  const send = (method: string, id: string, body: object = {}) =>
    server.call(method, at(id), { headers: { authorization: 'Bearer service-token' }, body })
  const shown = async (id: string, token = 'service-token') => {
    const { json } = await server.call('GET', `/keys/${id}/registrations`, {
      headers: { authorization: `Bearer ${token}` },
    })
    return json.resources[0]
  }
  const versionsOf = async (id: string): Promise<string[]> => {
    const { json } = await server.call('GET', `/keys/${id}/versions`)
    return json.resources.map((version: { id: string }) => version.id)
  }

  it('change what they say, or all of it', async () => {
    const id = await server.rootKey()
    await send('POST', id, { description: 'one', preventKeyDeletion: true, registrationMetadata: 'mine' })
    const changed = await send('PATCH', id, { description: 'two' })
    expect(changed.status).toBe(200)
    const said = { description: 'two', preventKeyDeletion: true, registrationMetadata: 'mine' }
    expect(changed.json.resources).toMatchObject([{ keyId: id, resourceCrn: crn, ...said }])
    expect(await shown(id)).toMatchObject(said)
    const { status, json } = await send('PUT', id, { preventKeyDeletion: false })
    expect(status).toBe(200)
    expect(json.resources[0].description).toBeUndefined()
    expect(json.resources[0].registrationMetadata).toBeUndefined()
    expect(await shown(id)).toMatchObject({ preventKeyDeletion: false })
  })

  it('say which version of the key protects the resource', async () => {
    const id = await server.rootKey()
    const [first] = await versionsOf(id)
    await send('POST', id)
    await server.call('POST', `/keys/${id}/actions/rotate`)
    const [second] = await versionsOf(id)
    expect(second).not.toBe(first)
    expect((await shown(id)).keyVersion.id).toBe(first)
    await send('POST', id)
    expect((await shown(id)).keyVersion.id).toBe(first)
    expect((await send('PATCH', id, { keyVersionId: second })).json.resources[0].keyVersion.id).toBe(second)
    expect((await send('PUT', id, { keyVersionId: first })).json.resources[0].keyVersion.id).toBe(first)
    expect((await send('PUT', id)).json.resources[0].keyVersion.id).toBe(second)
    const foreign = (await versionsOf(await server.rootKey()))[0]
    for (const keyVersionId of [foreign, '1']) {
      expect(refusal(await send('PATCH', id, { keyVersionId }))).toBe('422 KEY_VERSION_INVALID')
    }
  })

  it('show the notes of a service to nobody else', async () => {
    const id = await server.rootKey()
    await send('POST', id, { registrationMetadata: 'mine' })
    expect((await shown(id)).registrationMetadata).toBe('mine')
    expect((await shown(id, 'manager-token')).registrationMetadata).toBeUndefined()
  })

  it('need a registration, and a body of known members', async () => {
    const id = await server.rootKey()
    for (const method of ['PATCH', 'PUT']) {
      expect(refusal(await send(method, id))).toBe('404 REGISTRATION_NOT_FOUND_ERR')
      expect(refusal(await send(method, id, { version: 1 }))).toBe('400 BAD_BODY_ERR')
    }
    expect(refusal(await send('POST', id, { description: 'x'.repeat(241) }))).toBe('400 INVALID_FIELD_ERR')
    expect(refusal(await send('POST', id, { description: 'a\0b' }))).toBe('400 INVALID_FIELD_ERR')
    expect(refusal(await send('POST', id, { keyVersionId: id }))).toBe('400 BAD_BODY_ERR')
  })

  it('go on while the key is disabled, when nothing new is registered', async () => {
    const id = await server.rootKey()
    await send('POST', id)
    await server.call('POST', `/keys/${id}/actions/disable`)
    expect(refusal(await send('POST', id))).toBe('422 KEY_INVALID_STATE_ERR')
    expect((await send('PATCH', id, { preventKeyDeletion: true })).status).toBe(200)
    expect(refusal(await server.call('DELETE', `/keys/${id}?force=true`))).toBe('409 PREV_KEY_DEL_ERR')
  })

  it('outlive a restart, and registrations of earlier releases show the newest version', async () => {
    const id = await server.rootKey()
    await send('POST', id, { registrationMetadata: 'mine' })
    await server.call('POST', `/keys/${id}/actions/rotate`)
    const before = await shown(id)
    const [row] = (
      await server.store.range(KMS_SPACE.registration, { ...rowsUnder(Buffer.alloc(0)), limit: 100 })
    ).filter(({ value }) => value.includes('mine') && value.includes(before.keyVersion.id))
    const next = await server.reopen()
    const page = { offset: 0, limit: 9 }
    const [kept] = next.kms.listRegistrations(next.serviceCaller, id, {}, page).items
    expect(kept).toMatchObject({ registrationMetadata: 'mine', keyVersion: { id: before.keyVersion.id } })
    const { keyVersionId: _, registrationMetadata: __, ...old } = JSON.parse(row?.value.toString() ?? '{}')
    const value = Buffer.from(JSON.stringify(old))
    await server.store.commit([{ type: 'put', space: KMS_SPACE.registration, key: row?.key ?? Buffer.alloc(1), value }])
    const { kms, serviceCaller } = await next.reopen()
    const [newest] = await versionsOf(id)
    expect(kms.listRegistrations(serviceCaller, id, {}, page).items[0]).toMatchObject({ keyVersion: { id: newest } })
  })
})
