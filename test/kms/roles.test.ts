import { afterAll, beforeAll, expect, it } from 'vitest'
import { as, type KeyProtectServer, keyProtectServer, newKey } from '../support/key-protect.ts'

let server: KeyProtectServer
const paths = { root: '', standard: '' }
beforeAll(async () => {
  server = await keyProtectServer()
  paths.root = `/keys/${await server.rootKey({ aliases: ['roles'] })}`
  const { json } = await server.call('POST', '/keys', { body: newKey({}) })
  paths.standard = `/keys/${json.resources[0].id}`
})
afterAll(() => server.close())

const USERS = ['reader', 'reader-plus', 'writer', 'manager', 'purger'] as const
type User = (typeof USERS)[number]

const ALL: readonly User[] = ['reader', 'reader-plus', 'writer', 'manager']
const PLUS: readonly User[] = ['reader-plus', 'writer', 'manager']
const WRITERS: readonly User[] = ['writer', 'manager']
const MANAGERS: readonly User[] = ['manager']
const NOWHERE = '/keys/99999999-9999-4999-8999-999999999999'

/**
 * Key Protect's table of service roles. Who may is told from the answer to who may not: 401; a call that is let in does
 * or refuses something else.
 */
const TABLE: readonly (readonly [readonly User[], string, string])[] = [
  [ALL, 'GET', '/keys'],
  [ALL, 'HEAD', '/keys'],
  [ALL, 'GET', '{root}/metadata'],
  [ALL, 'GET', '{root}/versions'],
  [ALL, 'GET', '{root}/registrations'],
  [ALL, 'GET', '/keys/registrations'],
  [ALL, 'GET', '/key_rings'],
  [ALL, 'POST', '{root}/actions/wrap'],
  [ALL, 'POST', '{root}/actions/unwrap'],
  [ALL, 'POST', '{root}/actions/rewrap'],
  [ALL, 'GET', '/instance/allowed_ip_port'],
  [PLUS, 'GET', '{root}'],
  [PLUS, 'GET', '{standard}'],
  [WRITERS, 'POST', '/keys'],
  [WRITERS, 'POST', '{nowhere}/actions/rotate'],
  [WRITERS, 'POST', '{root}/actions/setKeyForDeletion'],
  [WRITERS, 'POST', '{root}/actions/unsetKeyForDeletion'],
  [WRITERS, 'POST', '{root}/actions/sync'],
  [WRITERS, 'POST', '/key_rings/x'],
  [WRITERS, 'POST', '{root}/aliases/x'],
  [WRITERS, 'DELETE', '{root}/aliases/none'],
  [MANAGERS, 'POST', '/keys_with_policy_overrides'],
  [MANAGERS, 'POST', '{nowhere}/actions/disable'],
  [MANAGERS, 'POST', '{nowhere}/actions/enable'],
  [MANAGERS, 'DELETE', '{nowhere}'],
  [MANAGERS, 'POST', '{nowhere}/restore'],
  [MANAGERS, 'PATCH', '{nowhere}'],
  [MANAGERS, 'GET', '{root}/policies'],
  [MANAGERS, 'PUT', '{nowhere}/policies'],
  [MANAGERS, 'GET', '/instance/policies'],
  [MANAGERS, 'PUT', '/instance/policies'],
  [MANAGERS, 'DELETE', '/key_rings/none'],
  [['purger'], 'DELETE', '{root}/purge'],
]

const BODIES: Readonly<Record<string, object>> = {
  '/keys': newKey({ extractable: false }),
  '/keys_with_policy_overrides': newKey({ extractable: false }),
  '{root}/actions/unwrap': { ciphertext: 'AAAA' },
  '{root}/actions/rewrap': { ciphertext: 'AAAA' },
  '{nowhere}': { keyRingID: 'default' },
  '{nowhere}/policies': { metadata: { collectionTotal: 1 }, resources: [{ dualAuthDelete: { enabled: false } }] },
  '/instance/policies': {
    metadata: { collectionTotal: 1 },
    resources: [{ policy_type: 'metrics', policy_data: { enabled: true } }],
  },
}

it.each(TABLE)('only %j may %s %s', async (expected, method, path) => {
  const real = path.replace('{root}', paths.root).replace('{standard}', paths.standard).replace('{nowhere}', NOWHERE)
  const body = method === 'GET' || method === 'HEAD' || method === 'DELETE' ? undefined : BODIES[path]
  const admitted: User[] = []
  for (const user of USERS) {
    const { status } = await server.call(method, real, { headers: as(user), ...(body ? { body } : {}) })
    if (status !== 401) admitted.push(user)
    expect(status).toBeLessThan(500)
  }
  expect(admitted).toEqual(expected)
})
