import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type KeyProtectServer, keyProtectServer, newKey, refusal } from '../support/key-protect.ts'

const MINUTE_MS = 60_000
const INVALID = '409 KEY_ACTION_INVALID_STATE_ERR'

let server: KeyProtectServer
beforeAll(async () => {
  server = await keyProtectServer({ settings: { rotateIntervalMs: 0 } })
})
afterAll(() => server.close())

const call: KeyProtectServer['call'] = (...args) => server.call(...args)

interface Specimen {
  readonly id: string
  readonly ciphertext: string
}

async function specimen(resource: object = {}): Promise<Specimen> {
  const id = await server.rootKey(resource)
  const { json } = await call('POST', `/keys/${id}/actions/wrap`)
  return { id, ciphertext: json.ciphertext }
}

const STATES: Readonly<Record<string, () => Promise<Specimen>>> = {
  active: () => specimen(),
  suspended: async () => {
    const made = await specimen()
    await call('POST', `/keys/${made.id}/actions/disable`)
    return made
  },
  deactivated: async () => {
    const now = server.events.at(-1)?.atMs ?? Date.UTC(2030, 0, 1)
    const made = await specimen({ expirationDate: new Date(now + MINUTE_MS).toISOString() })
    server.passTime(MINUTE_MS)
    return made
  },
  destroyed: async () => {
    const made = await specimen()
    await call('DELETE', `/keys/${made.id}`)
    return made
  },
}

const ACTIONS: Readonly<Record<string, (key: Specimen) => Promise<Awaited<ReturnType<typeof call>>>>> = {
  wrap: ({ id }) => call('POST', `/keys/${id}/actions/wrap`),
  unwrap: ({ id, ciphertext }) => call('POST', `/keys/${id}/actions/unwrap`, { body: { ciphertext } }),
  rewrap: ({ id, ciphertext }) => call('POST', `/keys/${id}/actions/rewrap`, { body: { ciphertext } }),
  rotate: ({ id }) => call('POST', `/keys/${id}/actions/rotate`),
  disable: ({ id }) => call('POST', `/keys/${id}/actions/disable`),
  enable: ({ id }) => call('POST', `/keys/${id}/actions/enable`),
  delete: ({ id }) => call('DELETE', `/keys/${id}`),
  restore: ({ id }) => call('POST', `/keys/${id}/restore`),
}

describe('what each state allows', () => {
  it.each<readonly [string, number, Readonly<Record<string, number | string>>]>([
    [
      'active',
      1,
      {
        wrap: 200,
        unwrap: 200,
        rewrap: 200,
        rotate: 204,
        disable: 204,
        enable: INVALID,
        delete: 204,
        restore: INVALID,
      },
    ],
    [
      'suspended',
      2,
      {
        wrap: INVALID,
        unwrap: INVALID,
        rewrap: INVALID,
        rotate: INVALID,
        disable: INVALID,
        enable: 204,
        delete: 204,
        restore: INVALID,
      },
    ],
    [
      'deactivated',
      3,
      {
        wrap: INVALID,
        unwrap: 200,
        rewrap: 200,
        rotate: 204,
        disable: INVALID,
        enable: INVALID,
        delete: 204,
        restore: INVALID,
      },
    ],
    [
      'destroyed',
      5,
      {
        wrap: INVALID,
        unwrap: INVALID,
        rewrap: INVALID,
        rotate: INVALID,
        disable: INVALID,
        enable: INVALID,
        delete: '410 KEY_DELETED_ERR',
        restore: 201,
      },
    ],
  ])('%s', async (name, state, expected) => {
    for (const [action, act] of Object.entries(ACTIONS)) {
      const key = await STATES[name]?.()
      if (!key) throw new Error(name)
      expect((await call('GET', `/keys/${key.id}/metadata`)).json.resources[0].state).toBe(state)
      const answer = await act(key)
      expect([action, answer.status < 400 ? answer.status : refusal(answer)]).toEqual([action, expected[action]])
    }
  })

  it('nothing but reading, deleting and restoring of a standard key: the rest needs a root key', async () => {
    const made = await call('POST', '/keys', { body: newKey({}) })
    const key = { id: made.json.resources[0].id, ciphertext: 'AAAA' }
    for (const [action, act] of Object.entries(ACTIONS)) {
      if (action === 'delete') continue
      expect([action, refusal(await act(key))]).toEqual([action, '400 KEY_ROOT_REQ_ERR'])
    }
    expect((await call('DELETE', `/keys/${key.id}`)).status).toBe(204)
    expect((await call('GET', `/keys/${key.id}`)).json.resources[0]).not.toHaveProperty('payload')
  })
})

describe('a key that expires', () => {
  it('is listed as deactivated, keeps opening what it wrapped, and is not restored after its deletion', async () => {
    const key = await STATES['deactivated']?.()
    const listed = await call('GET', '/keys?state=3')
    expect(listed.json.resources.map(({ id }: { id: string }) => id)).toContain(key?.id)
    await call('DELETE', `/keys/${key?.id}`)
    const { json } = await call('GET', `/keys/${key?.id}`)
    expect(json.resources[0].restoreAllowed).toBe(false)
    expect(refusal(await call('POST', `/keys/${key?.id}/restore`))).toBe('400 KEY_EXPIRED_ERR')
  })

  it('that was disabled in time stays disabled until it is enabled', async () => {
    const now = server.events.at(-1)?.atMs ?? 0
    const { id } = await specimen({ expirationDate: new Date(now + MINUTE_MS).toISOString() })
    await call('POST', `/keys/${id}/actions/disable`)
    server.passTime(MINUTE_MS)
    const state = async () => (await call('GET', `/keys/${id}/metadata`)).json.resources[0].state
    expect(await state()).toBe(2)
    expect((await call('POST', `/keys/${id}/actions/enable`)).status).toBe(204)
    expect(await state()).toBe(3)
  })
})
