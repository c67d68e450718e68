import { afterAll, beforeAll, describe, expect, it } from 'vitest'
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
    expect(refusal(answer)).toBe('400 INVALID_FIELD_ERR')
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
    for (const method of ['POST', 'DELETE']) {
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
    expect(refusal(await server.call('POST', at(standard, bucketCrn('x')), asService))).toBe('400 KEY_ROOT_REQ_ERR')
    const body = { prevent: true }
    expect(refusal(await server.call('POST', at(id, bucketCrn('x')), { ...asService, body }))).toBe('400 BAD_BODY_ERR')
  })
})
