import { describe, expect, it } from 'vitest'
import type { KeyEvent } from '../../src/kms/key-events.ts'
import { as, type KeyProtectServer, keyProtectServer, newKey, refusal } from '../support/key-protect.ts'

const HOUR_MS = 3_600_000

async function withServer(act: (server: KeyProtectServer) => Promise<void>): Promise<void> {
  const server = await keyProtectServer()
  try {
    await act(server)
  } finally {
    await server.close()
  }
}

describe('POST /keys/{id}/actions/sync', () => {
  it('is refused within an hour of the last one and of the last change', () =>
    withServer(async ({ call, rootKey, passTime }) => {
      const key = await rootKey()
      const sync = () => call('POST', `/keys/${key}/actions/sync`)
      expect((await sync()).status).toBe(204)
      const early = await sync()
      expect(refusal(early)).toBe('409 REQ_TOO_EARLY_ERR')
      expect(early.headers.get('retry-after')).toBe('3600')
      passTime(HOUR_MS)
      expect((await sync()).status).toBe(204)
      for (const action of ['rotate', 'disable', 'enable']) {
        passTime(HOUR_MS)
        await call('POST', `/keys/${key}/actions/${action}`)
        passTime(HOUR_MS - 1)
        expect(refusal(await sync())).toBe('409 REQ_TOO_EARLY_ERR')
        passTime(1)
        expect((await sync()).status).toBe(204)
      }
      passTime(HOUR_MS)
      await call('DELETE', `/keys/${key}`)
      passTime(HOUR_MS)
      expect((await sync()).status).toBe(204)
    }))

  it('is for writers, and for root keys', () =>
    withServer(async ({ call, rootKey }) => {
      const key = await rootKey()
      expect((await call('POST', `/keys/${key}/actions/sync`, { headers: as('reader') })).status).toBe(401)
      expect((await call('POST', `/keys/${key}/actions/sync`, { headers: as('writer') })).status).toBe(204)
      const standard = (await call('POST', '/keys', { body: newKey({}) })).json.resources[0].id
      expect(refusal(await call('POST', `/keys/${standard}/actions/sync`))).toBe('400 KEY_ROOT_REQ_ERR')
    }))
})

describe('key events', () => {
  it('tell of everything that happens to a key, in order, with its CRN, version and state', () =>
    withServer(async ({ call, rootKey, kms, passTime }) => {
      const events: KeyEvent[] = []
      kms.onKeyEvent((event) => events.push(event))
      const key = await rootKey()
      const { crn, keyVersion } = (await call('GET', `/keys/${key}`)).json.resources[0]
      for (const action of ['disable', 'enable', 'rotate']) await call('POST', `/keys/${key}/actions/${action}`)
      const rotated = (await call('GET', `/keys/${key}`)).json.resources[0].keyVersion
      await call('DELETE', `/keys/${key}`)
      await call('POST', `/keys/${key}/restore`)
      passTime(HOUR_MS)
      await call('POST', `/keys/${key}/actions/sync`)
      await call('DELETE', `/keys/${key}`)
      passTime(4 * HOUR_MS)
      await call('DELETE', `/keys/${key}/purge`, { headers: as('purger') })
      expect(new Set(events.map(({ keyCrn }) => keyCrn))).toEqual(new Set([crn]))
      expect(events.map(({ type, state, keyVersion: version }) => [type, state, version])).toEqual([
        ['created', 1, keyVersion.id],
        ['disabled', 2, keyVersion.id],
        ['enabled', 1, keyVersion.id],
        ['rotated', 1, rotated.id],
        ['deleted', 5, rotated.id],
        ['restored', 1, rotated.id],
        ['synced', 1, rotated.id],
        ['deleted', 5, rotated.id],
        ['purged', 5, rotated.id],
      ])
    }))

  it('tell nothing of what was refused, and nobody who does not listen any more', () =>
    withServer(async ({ call, rootKey, kms }) => {
      const key = await rootKey()
      const events: KeyEvent[] = []
      const end = kms.onKeyEvent((event) => events.push(event))
      await call('POST', `/keys/${key}/actions/enable`)
      await call('POST', `/keys/${key}/actions/disable`, { headers: as('reader') })
      expect(events).toEqual([])
      end()
      await call('POST', `/keys/${key}/actions/disable`)
      expect(events).toEqual([])
    }))

  it('reach the other listeners when one of them fails, and hinder no change', () =>
    withServer(async ({ call, rootKey, kms }) => {
      const events: KeyEvent[] = []
      kms.onKeyEvent(() => {
        throw new Error('made by the test')
      })
      kms.onKeyEvent((event) => events.push(event))
      const key = await rootKey()
      expect((await call('POST', `/keys/${key}/actions/disable`)).status).toBe(204)
      expect(events.map(({ type }) => type)).toEqual(['created', 'disabled'])
    }))
})
