import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { as, type KeyProtectServer, keyProtectServer, newKey, refusal } from '../support/key-protect.ts'
import { ACCOUNT, KMS_INSTANCE, MANAGER, OTHER_MANAGER } from '../support/kms-world.ts'

const POLICY_TYPE = 'application/vnd.ibm.kms.policy+json'
const DAY_MS = 86_400_000

let server: KeyProtectServer
beforeAll(async () => {
  server = await keyProtectServer()
})
afterAll(() => server.close())

const call: KeyProtectServer['call'] = (...args) => server.call(...args)
const policies = (...resources: object[]) => ({
  metadata: { collectionType: POLICY_TYPE, collectionTotal: resources.length },
  resources: resources.map((resource) => ({ type: POLICY_TYPE, ...resource })),
})
const put = (key: string, query: string, body: object, headers = {}) =>
  call('PUT', `/keys/${key}/policies${query}`, { body, headers })
const get = (key: string, query = '') => call('GET', `/keys/${key}/policies${query}`)
const keyOf = async (key: string) => (await call('GET', `/keys/${key}/metadata`)).json.resources[0]

describe('PUT and GET /keys/{id}/policies', () => {
  it('set and show a rotation policy, in the key too', async () => {
    const key = await server.rootKey()
    expect((await get(key)).json).toEqual({ metadata: { collectionType: POLICY_TYPE, collectionTotal: 0 } })
    const { status, json } = await put(key, '?policy=rotation', policies({ rotation: { interval_month: 3 } }))
    expect(status).toBe(200)
    const [policy] = json.resources
    expect(policy).toEqual({
      type: POLICY_TYPE,
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      crn: `crn:v1:bluemix:public:kms:us-south:a/${ACCOUNT}:${KMS_INSTANCE}:policy:${policy.id}`,
      createdBy: MANAGER.iamId,
      creationDate: '2030-01-01T00:00:00Z',
      updatedBy: MANAGER.iamId,
      lastUpdateDate: '2030-01-01T00:00:00Z',
      rotation: { enabled: true, interval_month: 3 },
    })
    expect((await get(key, '?policy=rotation')).json).toEqual(json)
    expect((await get(key, '?policy=dualAuthDelete')).json.metadata.collectionTotal).toBe(0)
    expect((await keyOf(key)).rotation).toEqual({ enabled: true, interval_month: 3 })
  })

  it('change a policy and keep who made it, disable it and enable it again with its interval', async () => {
    const key = await server.rootKey()
    const first = await put(key, '?policy=rotation', policies({ rotation: { enabled: true, interval_month: 2 } }))
    const off = await put(key, '?policy=rotation', policies({ rotation: { enabled: false } }), as('other-manager'))
    expect(off.json.resources[0]).toMatchObject({
      id: first.json.resources[0].id,
      createdBy: MANAGER.iamId,
      updatedBy: OTHER_MANAGER.iamId,
      rotation: { enabled: false, interval_month: 2 },
    })
    const on = await put(key, '?policy=rotation', policies({ rotation: { enabled: true } }))
    expect(on.json.resources[0].rotation).toEqual({ enabled: true, interval_month: 2 })
  })

  it('set both at once, all or none', async () => {
    const key = await server.rootKey()
    const bad = policies({ dualAuthDelete: { enabled: true } }, { rotation: { interval_month: 13 } })
    expect(refusal(await put(key, '', bad))).toBe('400 INVALID_FIELD_ERR')
    expect((await get(key)).json.metadata.collectionTotal).toBe(0)
    const both = policies({ rotation: { interval_month: 12 } }, { dualAuthDelete: { enabled: true } })
    const { json } = await put(key, '', both)
    expect(json.metadata.collectionTotal).toBe(2)
    expect(
      json.resources.map(({ rotation, dualAuthDelete }: Record<string, unknown>) => rotation ?? dualAuthDelete),
    ).toEqual([{ enabled: true }, { enabled: true, interval_month: 12 }])
    expect(await keyOf(key)).toMatchObject({ dualAuthDelete: { enabled: true } })
  })

  it('do not take dual authorization away again', async () => {
    const key = await server.rootKey()
    const off = policies({ dualAuthDelete: { enabled: false } })
    expect((await put(key, '?policy=dualAuthDelete', off)).json.metadata.collectionTotal).toBe(0)
    await put(key, '?policy=dualAuthDelete', policies({ dualAuthDelete: { enabled: true } }))
    expect(refusal(await put(key, '?policy=dualAuthDelete', off))).toBe('400 INVALID_FIELD_ERR')
    expect((await keyOf(key)).dualAuthDelete).toEqual({ enabled: true })
  })

  const rotation = { rotation: { interval_month: 1 } }
  const dualAuth = { dualAuthDelete: { enabled: true } }
  it.each<readonly [string, string, object, string]>([
    ['another policy than the query', '?policy=rotation', policies(dualAuth), '400 BODY_QUERY_PARAM_MISMATCH_ERR'],
    [
      'more than the query',
      '?policy=rotation',
      policies({ ...rotation, ...dualAuth }),
      '400 BODY_QUERY_PARAM_MISMATCH_ERR',
    ],
    [
      'two resources for one policy',
      '?policy=rotation',
      policies(rotation, rotation),
      '400 NUM_COLLECTION_RESOURCE_ERR',
    ],
    ['the same policy twice', '', policies(rotation, rotation), '400 BAD_BODY_ERR'],
    ['no policy', '', policies({}), '400 BAD_BODY_ERR'],
    ['nothing', '', policies(), '400 BAD_BODY_ERR'],
    ['a policy that there is not', '?policy=colour', policies(rotation), '400 INVALID_QUERY_PARAM_ERR'],
    [
      'a wrong total',
      '',
      { ...policies(rotation), metadata: { collectionTotal: 2 } },
      '400 COLLECTION_TOTAL_MISMATCH_ERR',
    ],
    ['an interval of 0', '', policies({ rotation: { interval_month: 0 } }), '400 INVALID_FIELD_ERR'],
    ['an interval of -1', '', policies({ rotation: { interval_month: -1 } }), '400 INVALID_FIELD_ERR'],
    ['half a month', '', policies({ rotation: { interval_month: 1.5 } }), '400 INVALID_FIELD_ERR'],
    ['no interval at first', '', policies({ rotation: { enabled: true } }), '400 INVALID_FIELD_ERR'],
    ['an unknown member', '', policies({ rotation: { interval_months: 1 } }), '400 BAD_BODY_ERR'],
    ['another type', '', policies({ ...rotation, type: 'text/plain' }), '400 INVALID_FIELD_ERR'],
  ])('refuse %s', async (_, query, body, expected) => {
    expect(refusal(await put(await server.rootKey(), query, body))).toBe(expected)
  })

  it('give no rotation to keys whose material comes from outside, or goes there', async () => {
    const imported = await server.rootKey({ payload: Buffer.alloc(32, 3).toString('base64') })
    expect(refusal(await put(imported, '', policies(rotation)))).toBe('400 INVALID_FIELD_ERR')
    const standard = (await call('POST', '/keys', { body: newKey({}) })).json.resources[0].id
    expect(refusal(await put(standard, '', policies(rotation)))).toBe('400 KEY_ROOT_REQ_ERR')
    expect((await put(standard, '', policies(dualAuth))).status).toBe(200)
  })

  it('are refused for a deleted key, which still shows what it had', async () => {
    const key = await server.rootKey()
    await put(key, '', policies(rotation))
    await call('DELETE', `/keys/${key}`)
    expect(refusal(await put(key, '', policies(rotation)))).toBe('409 KEY_ACTION_INVALID_STATE_ERR')
    expect((await get(key)).json.metadata.collectionTotal).toBe(1)
  })

  it('take an alias, and know no other key', async () => {
    const key = await server.rootKey({ aliases: ['policed'] })
    expect((await put('policed', '', policies(rotation))).status).toBe(200)
    expect((await keyOf(key)).rotation.interval_month).toBe(1)
    expect(refusal(await get('99999999-9999-4999-8999-999999999999'))).toBe('404 KEY_NOT_FOUND_ERR')
  })
})

describe('a rotation policy', () => {
  it('rotates the key when its interval is over, counted from the last rotation by whomever', async () => {
    const world = await keyProtectServer()
    try {
      const key = await world.rootKey()
      const wrapped = (await world.call('POST', `/keys/${key}/actions/wrap`)).json
      await world.call('PUT', `/keys/${key}/policies`, { body: policies({ rotation: { interval_month: 1 } }) })
      const versions = async () =>
        (await world.call('GET', `/keys/${key}/versions?totalCount=true`)).json.metadata.totalCount
      const days = async (count: number) => {
        for (let day = 0; day < count; day++) {
          world.passTime(DAY_MS)
          await world.kms.sweep()
        }
      }
      await days(29)
      expect(await versions()).toBe(1)
      await days(1)
      expect(await versions()).toBe(2)
      await days(15)
      await world.call('POST', `/keys/${key}/actions/rotate`)
      await days(29)
      expect(await versions()).toBe(3)
      await days(1)
      expect(await versions()).toBe(4)
      const opened = await world.call('POST', `/keys/${key}/actions/unwrap`, {
        body: { ciphertext: wrapped.ciphertext },
      })
      expect(opened.json.plaintext).toBe(wrapped.plaintext)
      const byItself = world.events.filter(
        ({ action, iamId }) => action === 'kms.secrets.rotate' && /^crn-/.test(iamId),
      )
      expect(byItself.map(({ outcome, key: of }) => [outcome, of])).toEqual([
        ['success', key],
        ['success', key],
      ])
    } finally {
      await world.close()
    }
  })

  it.each<readonly [string, (server: KeyProtectServer, key: string) => Promise<unknown>]>([
    [
      'is disabled',
      (s, key) => s.call('PUT', `/keys/${key}/policies`, { body: policies({ rotation: { enabled: false } }) }),
    ],
    ['is of a disabled key', (s, key) => s.call('POST', `/keys/${key}/actions/disable`)],
    ['is of a deleted key', (s, key) => s.call('DELETE', `/keys/${key}`)],
  ])('that %s rotates nothing', async (_, act) => {
    const world = await keyProtectServer()
    try {
      const key = await world.rootKey()
      await world.call('PUT', `/keys/${key}/policies`, { body: policies({ rotation: { interval_month: 1 } }) })
      await act(world, key)
      await world.kms.sweep()
      for (let day = 0; day < 31; day++) {
        world.passTime(DAY_MS)
        expect((await world.kms.sweep()).rotated).toBe(0)
      }
    } finally {
      await world.close()
    }
  })
})
