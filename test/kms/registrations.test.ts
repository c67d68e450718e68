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
