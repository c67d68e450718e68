import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type KeyProtectServer, keyProtectServer, newKey, refusal } from '../support/key-protect.ts'

let server: KeyProtectServer
const ids: string[] = []
beforeAll(async () => {
  server = await keyProtectServer({ settings: { rotateIntervalMs: 0 } })
  for (const name of ['one', 'two', 'three']) {
    ids.push(await server.rootKey({ name }))
    server.passTime(1)
  }
  const { json } = await server.call('POST', '/keys', { body: newKey({ name: 'standard', payload: 'c2VjcmV0' }) })
  ids.push(json.resources[0].id)
  await server.call('POST', `/keys/${ids[1]}/actions/disable`)
  await server.call('DELETE', `/keys/${ids[2]}`)
})
afterAll(() => server.close())

const listed = async (query: string) => {
  const byCreation = `${query === '' ? '?' : `${query}&`}sort=creationDate`
  const { json } = await server.call('GET', `/keys${byCreation}`)
  return (json.resources ?? []).map(({ name }: { name: string }) => name)
}
const counted = async (query: string) => (await server.call('HEAD', `/keys${query}`)).headers.get('key-total')

describe('GET and HEAD /keys', () => {
  it.each([
    ['', ['one', 'two', 'standard']],
    ['?state=1', ['one', 'standard']],
    ['?state=2%2C5', ['two', 'three']],
    ['?state=0,1,2,3,5', ['one', 'two', 'three', 'standard']],
    ['?extractable=true', ['standard']],
    ['?extractable=false', ['one', 'two']],
    ['?limit=1', ['one']],
    ['?limit=2&offset=1', ['two', 'standard']],
    ['?offset=9', []],
  ])('list %j', async (query, expected) => {
    expect(await listed(query)).toEqual(expected)
  })

  it.each([
    ['', '3'],
    ['?state=5', '1'],
    ['?extractable=true', '1'],
  ])('count %j', async (query, expected) => {
    expect(await counted(query)).toBe(expected)
  })

  it('list by id when nothing else is asked for', async () => {
    const { json } = await server.call('GET', '/keys?state=0,1,2,3,5')
    expect(json.resources.map(({ id }: { id: string }) => id)).toEqual(ids.toSorted())
  })

  it('of nothing have no resources member', async () => {
    const { json } = await server.call('GET', '/keys?state=3')
    expect(json).toEqual({ metadata: { collectionType: 'application/vnd.ibm.kms.key+json', collectionTotal: 0 } })
  })

  it.each(['?limit=0', '?limit=5001', '?limit=x', '?offset=-1', '?state=4', '?extractable=maybe', '?limit=1&limit=2'])(
    'refuse %s',
    async (query) => {
      expect(refusal(await server.call('GET', `/keys${query}`))).toBe('400 INVALID_QUERY_PARAM_ERR')
    },
  )
})

describe('GET /keys/{id}', () => {
  it('shows the payload of a standard key, the metadata never do', async () => {
    const { json } = await server.call('GET', `/keys/${ids[3]}`)
    expect(json.resources[0].payload).toBe('c2VjcmV0')
    const metadata = await server.call('GET', `/keys/${ids[3]}/metadata`)
    const { payload: _, ...rest } = json.resources[0]
    expect(metadata.json.resources).toEqual([rest])
  })

  it('shows a root key without material, deleted ones with their dates', async () => {
    const { status, json } = await server.call('GET', `/keys/${ids[2]}`)
    expect(status).toBe(200)
    expect(json.resources[0]).not.toHaveProperty('payload')
    expect(json.resources[0]).toMatchObject({
      state: 5,
      deleted: true,
      deletionDate: '2030-01-01T00:00:00Z',
      restoreExpirationDate: '2030-01-31T00:00:00Z',
      restoreAllowed: true,
      purgeAllowed: false,
      purgeAllowedFrom: '2030-01-01T04:00:00Z',
      purgeScheduledOn: '2030-04-01T00:00:00Z',
    })
  })

  it.each(['', '/metadata', '/versions', '/registrations'])('of no key: %s', async (below) => {
    const answer = await server.call('GET', `/keys/99999999-9999-4999-8999-999999999999${below}`)
    expect(refusal(answer)).toBe('404 KEY_NOT_FOUND_ERR')
  })
})

describe('GET /keys/{id}/versions', () => {
  it('lists them newest first', async () => {
    server.passTime(1000)
    await server.call('POST', `/keys/${ids[0]}/actions/rotate`)
    const { json } = await server.call('GET', `/keys/${ids[0]}/versions?totalCount=true`)
    const type = 'application/vnd.ibm.kms.key.version+json'
    expect(json.metadata).toEqual({ collectionType: type, collectionTotal: 2, totalCount: 2 })
    expect(json.resources.map(({ creationDate }: { creationDate: string }) => creationDate)).toEqual([
      '2030-01-01T00:00:01Z',
      '2030-01-01T00:00:00Z',
    ])
    const { json: key } = await server.call('GET', `/keys/${ids[0]}`)
    expect(key.resources[0].keyVersion.id).toBe(json.resources[0].id)
    expect(key.resources[0].lastRotateDate).toBe('2030-01-01T00:00:01Z')
    const page = await server.call('GET', `/keys/${ids[0]}/versions?limit=1&offset=1`)
    expect(page.json.resources).toEqual([json.resources[1]])
  })

  it('of a key that is not active only when any state will do', async () => {
    for (const id of [ids[1], ids[2]]) {
      expect(refusal(await server.call('GET', `/keys/${id}/versions`))).toBe('409 KEY_ACTION_INVALID_STATE_ERR')
      const { json } = await server.call('GET', `/keys/${id}/versions?allKeyStates=true`)
      expect(json.metadata.collectionTotal).toBe(1)
    }
  })
})
