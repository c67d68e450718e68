import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { as, type KeyProtectServer, keyProtectServer, newKey, refusal } from '../support/key-protect.ts'
import { bucketCrn, MANAGED_RING, MANAGER } from '../support/kms-world.ts'

let server: KeyProtectServer
beforeAll(async () => {
  server = await keyProtectServer()
})
afterAll(() => server.close())

const call: KeyProtectServer['call'] = (...args) => server.call(...args)
const ring = (id: string) => ({ 'x-kms-key-ring': id })
const makeRing = async (id: string) => expect((await call('POST', `/key_rings/${id}`)).status).toBe(201)
const keyIn = async (id: string): Promise<string> => {
  const { json } = await call('POST', '/keys', { body: newKey({ extractable: false }), headers: ring(id) })
  return json.resources[0].id
}
const ringOf = async (key: string) => (await call('GET', `/keys/${key}/metadata`)).json.resources[0].keyRingID

describe('key rings', () => {
  it('are listed with default first, in pages, and counted when asked', async () => {
    const { json } = await call('GET', '/key_rings')
    expect(json.resources).toEqual([{ id: 'default' }])
    for (const id of ['b-ring', 'a-ring']) await makeRing(id)
    const listed = await call('GET', '/key_rings?totalCount=true')
    expect(listed.json).toEqual({
      metadata: { collectionType: 'application/vnd.ibm.kms.key_ring+json', collectionTotal: 3, totalCount: 3 },
      resources: [
        { id: 'default' },
        { id: 'a-ring', creationDate: '2030-01-01T00:00:00Z', createdBy: MANAGER.iamId },
        { id: 'b-ring', creationDate: '2030-01-01T00:00:00Z', createdBy: MANAGER.iamId },
      ],
    })
    const page = await call('GET', '/key_rings?limit=1&offset=1')
    expect(page.json.resources.map(({ id }: { id: string }) => id)).toEqual(['a-ring'])
  })

  it('are unique, and default cannot be made or deleted', async () => {
    await makeRing('once')
    expect(refusal(await call('POST', '/key_rings/once'))).toBe('409 KEY_RING_NOT_UNIQUE_ERR')
    expect(refusal(await call('POST', '/key_rings/default'))).toBe('409 KEY_RING_NOT_UNIQUE_ERR')
    expect(refusal(await call('DELETE', '/key_rings/default'))).toBe('400 INVALID_FIELD_ERR')
    expect(refusal(await call('DELETE', '/key_rings/never'))).toBe('404 KEY_RING_NOT_FOUND_ERR')
  })

  it.each(['x', 'under_score', 'with%20space', 'x'.repeat(101)])('have no id like %s', async (id) => {
    expect(refusal(await call('POST', `/key_rings/${id}`))).toBe('400 INVALID_FIELD_ERR')
  })

  it('are at most 50 besides default', async () => {
    const other = await keyProtectServer()
    try {
      const made = await Promise.all(Array.from({ length: 52 }, (_, at) => other.call('POST', `/key_rings/ring-${at}`)))
      expect(made.filter(({ status }) => status === 201)).toHaveLength(50)
      expect(made.filter(({ status }) => status === 409).map(refusal)).toEqual([
        '409 KEY_RING_QUOTA_ERR',
        '409 KEY_RING_QUOTA_ERR',
      ])
    } finally {
      await other.close()
    }
  })
})

describe('X-Kms-Key-Ring', () => {
  it('is where a new key goes, and what a list is of', async () => {
    await makeRing('listed')
    const key = await keyIn('listed')
    expect(await ringOf(key)).toBe('listed')
    const ids = async (headers: Record<string, string>) =>
      ((await call('GET', '/keys', { headers })).json.resources ?? []).map(({ id }: { id: string }) => id)
    expect(await ids(ring('listed'))).toEqual([key])
    expect(await ids(ring('default'))).not.toContain(key)
    expect(await ids({})).toContain(key)
    expect((await call('HEAD', '/keys', { headers: ring('listed') })).headers.get('key-total')).toBe('1')
  })

  it('hides the keys of other rings from every call about one key', async () => {
    await makeRing('shown')
    const key = await keyIn('shown')
    for (const [method, path] of [
      ['GET', `/keys/${key}`],
      ['GET', `/keys/${key}/metadata`],
      ['POST', `/keys/${key}/actions/wrap`],
      ['POST', `/keys/${key}/actions/disable`],
      ['GET', `/keys/${key}/policies`],
      ['DELETE', `/keys/${key}`],
    ] as const) {
      expect(refusal(await call(method, path, { headers: ring('default') }))).toBe('404 KEY_NOT_FOUND_ERR')
    }
    expect((await call('POST', `/keys/${key}/actions/wrap`, { headers: ring('shown') })).status).toBe(200)
    expect((await call('POST', `/keys/${key}/actions/wrap`)).status).toBe(200)
  })

  it('must name a ring that is there', async () => {
    const key = await server.rootKey()
    const headers = ring('nowhere')
    for (const answer of [
      await call('GET', '/keys', { headers }),
      await call('GET', `/keys/${key}`, { headers }),
      await call('POST', '/keys', { body: newKey({}), headers }),
    ]) {
      expect(refusal(answer)).toBe('404 KEY_RING_NOT_FOUND_ERR')
    }
  })
})

describe('PATCH /keys/{id}', () => {
  it.each(['keyRingID', 'KeyRingID', 'keyringid'])('moves a key, as %s says', async (member) => {
    const target = `to-${member}`
    await makeRing(target)
    const key = await server.rootKey()
    const { status, json } = await call('PATCH', `/keys/${key}`, { body: { [member]: target } })
    expect(status).toBe(200)
    expect(json.resources[0]).toMatchObject({ id: key, keyRingID: target })
    expect(await ringOf(key)).toBe(target)
  })

  it('takes an alias for the key, and leaves what it wrapped readable', async () => {
    await makeRing('moved')
    const { json } = await call('POST', '/keys', { body: newKey({ extractable: false, aliases: ['mover'] }) })
    const wrapped = (await call('POST', '/keys/mover/actions/wrap')).json
    await call('PATCH', '/keys/mover', { body: { keyRingID: 'moved' } })
    const opened = await call('POST', `/keys/${json.resources[0].id}/actions/unwrap`, {
      body: { ciphertext: wrapped.ciphertext },
    })
    expect(opened.json.plaintext).toBe(wrapped.plaintext)
  })

  it.each([
    ['no ring', {}, '400 INVALID_FIELD_ERR'],
    ['a ring that is not there', { keyRingID: 'nowhere' }, '404 KEY_RING_NOT_FOUND_ERR'],
    ['an unknown member', { keyRingID: 'default', name: 'new' }, '400 BAD_BODY_ERR'],
  ])('refuses %s', async (_, body, expected) => {
    expect(refusal(await call('PATCH', `/keys/${await server.rootKey()}`, { body }))).toBe(expected)
  })

  it('refuses a deleted key', async () => {
    const key = await server.rootKey()
    await call('DELETE', `/keys/${key}`)
    const answer = await call('PATCH', `/keys/${key}`, { body: { keyRingID: 'default' } })
    expect(refusal(answer)).toBe('409 KEY_ACTION_INVALID_STATE_ERR')
  })
})

describe('DELETE /key_rings/{id}', () => {
  it('of an empty ring answers 204', async () => {
    await makeRing('empty')
    expect(await call('DELETE', '/key_rings/empty')).toMatchObject({ status: 204, text: '' })
    expect(refusal(await call('DELETE', '/key_rings/empty'))).toBe('404 KEY_RING_NOT_FOUND_ERR')
    await makeRing('empty')
  })

  it('is refused while a key is not deleted, also with force', async () => {
    await makeRing('busy')
    await keyIn('busy')
    for (const query of ['', '?force=true']) {
      expect(refusal(await call('DELETE', `/key_rings/busy${query}`))).toBe('409 KEY_RING_NOT_EMPTY_ERR')
    }
  })

  it('with force moves deleted keys to default, from where they can be restored', async () => {
    await makeRing('graves')
    const key = await keyIn('graves')
    await call('DELETE', `/keys/${key}`)
    expect(refusal(await call('DELETE', '/key_rings/graves'))).toBe('409 KEY_RING_NOT_EMPTY_ERR')
    expect((await call('DELETE', '/key_rings/graves?force=true')).status).toBe(204)
    expect(await ringOf(key)).toBe('default')
    expect((await call('POST', `/keys/${key}/restore`)).status).toBe(201)
  })

  it('leaves no key in a ring that is gone, whatever happens at the same time', async () => {
    for (let round = 0; round < 10; round++) {
      const id = `race-${round}`
      await makeRing(id)
      const moving = await server.rootKey()
      await Promise.all([
        call('DELETE', `/key_rings/${id}`),
        call('POST', '/keys', { body: newKey({ extractable: false }), headers: ring(id) }),
        call('PATCH', `/keys/${moving}`, { body: { keyRingID: id } }),
      ])
    }
    const rings = (await call('GET', '/key_rings')).json.resources.map(({ id }: { id: string }) => id)
    const { json } = await call('GET', '/keys?state=0,1,2,3,5')
    for (const { keyRingID } of json.resources) expect(rings).toContain(keyRingID)
  })
})

describe('the right to one ring', () => {
  it('reaches the keys in it, wherever they came from, and no others', async () => {
    await makeRing(MANAGED_RING)
    const headers = as('ring-manager')
    const inside = await keyIn(MANAGED_RING)
    const outside = await server.rootKey()
    await server.kms.register(server.serviceCaller, inside, { resourceCrn: bucketCrn('inside') })
    await server.kms.register(server.serviceCaller, outside, { resourceCrn: bucketCrn('outside') })
    expect((await call('POST', `/keys/${inside}/actions/wrap`, { headers })).status).toBe(200)
    expect((await call('POST', `/keys/${outside}/actions/wrap`, { headers })).status).toBe(401)
    const listed = await call('GET', '/keys', { headers })
    expect(listed.json.resources.map(({ id }: { id: string }) => id)).toEqual([inside])
    expect((await call('HEAD', '/keys', { headers })).headers.get('key-total')).toBe('1')
    const registrations = await call('GET', '/keys/registrations', { headers })
    expect(registrations.json.resources.map(({ keyId }: { keyId: string }) => keyId)).toEqual([inside])
    expect((await call('GET', '/keys', { headers: { ...headers, ...ring('default') } })).status).toBe(401)
  })

  it('makes keys in it and nowhere else', async () => {
    const headers = as('ring-manager')
    const body = newKey({ extractable: false })
    expect((await call('POST', '/keys', { body, headers })).status).toBe(401)
    const made = await call('POST', '/keys', { body, headers: { ...headers, ...ring(MANAGED_RING) } })
    expect(made.json.resources[0].keyRingID).toBe(MANAGED_RING)
  })

  it('moves no key out of it or into it', async () => {
    const headers = as('ring-manager')
    const [inside, outside] = [await keyIn(MANAGED_RING), await server.rootKey()]
    expect((await call('PATCH', `/keys/${inside}`, { headers, body: { keyRingID: 'default' } })).status).toBe(401)
    expect((await call('PATCH', `/keys/${outside}`, { headers, body: { keyRingID: MANAGED_RING } })).status).toBe(401)
    expect(await ringOf(inside)).toBe(MANAGED_RING)
  })

  it('goes with the key when somebody else moves it', async () => {
    const headers = as('ring-manager')
    const key = await keyIn(MANAGED_RING)
    await call('PATCH', `/keys/${key}`, { body: { keyRingID: 'default' } })
    expect((await call('GET', `/keys/${key}/metadata`, { headers })).status).toBe(401)
  })
})
