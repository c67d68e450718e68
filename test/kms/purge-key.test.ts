import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { KMS_SPACE, rowsUnder } from '../../src/kms/keyspace.ts'
import { as, type KeyProtectServer, keyProtectServer, newKey, refusal } from '../support/key-protect.ts'
import { bucketCrn, KMS_INSTANCE } from '../support/kms-world.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

let server: KeyProtectServer
beforeAll(async () => {
  server = await keyProtectServer()
})
afterAll(() => server.close())

const call: KeyProtectServer['call'] = (...args) => server.call(...args)
const purge = (key: string, headers = {}) =>
  call('DELETE', `/keys/${key}/purge`, { headers: { ...as('purger'), ...headers } })
const deleted = async (resource: object = {}): Promise<string> => {
  const key = await server.rootKey(resource)
  await call('DELETE', `/keys/${key}`)
  return key
}
const rowsAbout = async (key: string): Promise<number> => {
  const about = Buffer.from(`${KMS_INSTANCE}${key}`.replaceAll('-', ''), 'hex')
  const spaces = [KMS_SPACE.key, KMS_SPACE.version, KMS_SPACE.registration]
  const rows = await Promise.all(spaces.map((space) => server.store.range(space, { ...rowsUnder(about), limit: 100 })))
  const aliases = await server.store.range(KMS_SPACE.alias, { ...rowsUnder(Buffer.alloc(0)), limit: 1000 })
  return rows.flat().length + aliases.filter(({ value }) => value.includes(key)).length
}

describe('DELETE /keys/{id}/purge', () => {
  it('is too early for four hours, then leaves nothing of the key', async () => {
    const key = await server.rootKey({ aliases: ['to-purge'] })
    await call('POST', `/keys/${key}/actions/rotate`)
    await server.kms.register(server.serviceCaller, key, { resourceCrn: bucketCrn('purged') })
    await call('DELETE', `/keys/${key}?force=true`)
    const early = await purge(key)
    expect(refusal(early)).toBe('409 REQ_TOO_EARLY_ERR')
    expect(early.headers.get('retry-after')).toBe(String(4 * 3600))
    server.passTime(4 * HOUR_MS)
    expect((await call('GET', `/keys/${key}`)).json.resources[0].purgeAllowed).toBe(true)
    expect(await rowsAbout(key)).toBe(5)
    expect(await purge('to-purge')).toMatchObject({ status: 204, text: '' })
    expect(await rowsAbout(key)).toBe(0)
    for (const path of ['', '/metadata', '/versions?allKeyStates=true', '/policies', '/registrations']) {
      expect(refusal(await call('GET', `/keys/${key}${path}`))).toBe('404 KEY_NOT_FOUND_ERR')
    }
    expect(refusal(await purge(key))).toBe('404 KEY_NOT_FOUND_ERR')
    expect(refusal(await call('POST', `/keys/${key}/restore`))).toBe('404 KEY_NOT_FOUND_ERR')
    expect((await call('POST', '/keys', { body: newKey({ aliases: ['to-purge'] }) })).status).toBe(201)
  })

  it('shows the key a last time when that is preferred', async () => {
    const key = await deleted({ name: 'last seen' })
    server.passTime(4 * HOUR_MS)
    const { status, json } = await purge(key, { prefer: 'return=representation' })
    expect(status).toBe(200)
    expect(json.resources[0]).toMatchObject({ id: key, name: 'last seen', state: 5, restoreAllowed: false })
  })

  it('frees the ring that held the key', async () => {
    await call('POST', '/key_rings/freed')
    const made = await call('POST', '/keys', { body: newKey({}), headers: { 'x-kms-key-ring': 'freed' } })
    const key = made.json.resources[0].id
    await call('DELETE', `/keys/${key}`)
    server.passTime(4 * HOUR_MS)
    expect(refusal(await call('DELETE', '/key_rings/freed'))).toBe('409 KEY_RING_NOT_EMPTY_ERR')
    expect((await purge(key)).status).toBe(204)
    expect((await call('DELETE', '/key_rings/freed')).status).toBe(204)
  })

  it('needs a deleted key', async () => {
    expect(refusal(await purge(await server.rootKey()))).toBe('409 KEY_ACTION_INVALID_STATE_ERR')
  })

  it.each(['manager', 'writer', 'reader'])('is not for a %s', async (user) => {
    const key = await deleted()
    server.passTime(4 * HOUR_MS)
    expect((await purge(key, as(user))).status).toBe(401)
    expect((await purge(key)).status).toBe(204)
  })

  it('happens once when it is asked for twice at the same time', async () => {
    const key = await deleted()
    server.passTime(4 * HOUR_MS)
    const answers = await Promise.all([purge(key), purge(key)])
    expect(answers.map(({ status }) => status).sort()).toEqual([204, 404])
  })

  it('comes by itself after 90 days, and the audit says so', async () => {
    const key = await deleted()
    for (let day = 0; day < 90; day++) {
      server.passTime(DAY_MS)
      if (day === 88) expect((await call('GET', `/keys/${key}`)).status).toBe(200)
      await server.kms.sweep()
    }
    expect(refusal(await call('GET', `/keys/${key}`))).toBe('404 KEY_NOT_FOUND_ERR')
    const purged = server.events.findLast(({ action }) => action === 'kms.secrets.purge')
    expect(purged).toMatchObject({ outcome: 'success', key, iamId: expect.stringMatching(/^crn-crn:v1:.*:kms:/) })
  })
})
