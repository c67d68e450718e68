import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { OPERATIONS } from '../../src/api/key-protect/operations/index.ts'
import { as, type CallOptions, type KeyProtectServer, keyProtectServer, refusal } from '../support/key-protect.ts'
import { bucketCrn } from '../support/kms-world.ts'

let server: KeyProtectServer
beforeAll(async () => {
  const noWaiting = { enableDelayMs: 0, restoreDelayMs: 0, rotateIntervalMs: 0, purgeDelayMs: 0, syncIntervalMs: 0 }
  server = await keyProtectServer({ settings: noWaiting })
})
afterAll(() => server.close())

interface Route {
  readonly status: number
  /** Of a deleted key: 404. */
  readonly gone?: boolean
  readonly sent?: CallOptions
  /** By the id of the key, before. */
  readonly prepare?: (id: string) => Promise<CallOptions | undefined>
  /** What the rest of the path stands for. */
  readonly rest?: Record<string, string>
}

const RESOURCE = { ':resourceCrn': encodeURIComponent(bucketCrn('aliased')) }
const service: CallOptions = { headers: as('service') }
const before = (method: string, path: string, sent?: CallOptions) => async (id: string) => {
  const { status } = await server.call(method, `/keys/${id}${path}`, sent)
  expect(status).toBeLessThan(300)
  return undefined
}
const registered = before('POST', `/registrations/${RESOURCE[':resourceCrn']}`, service)
const wrapped = async (id: string): Promise<CallOptions> => {
  const { json } = await server.call('POST', `/keys/${id}/actions/wrap`)
  return { body: { ciphertext: json.ciphertext } }
}
const dualAuth: CallOptions = {
  body: {
    metadata: { collectionTotal: 1 },
    resources: [{ type: 'application/vnd.ibm.kms.policy+json', dualAuthDelete: { enabled: true } }],
  },
}
const setDualAuth = before('PUT', '/policies', dualAuth)

/** Every route of a key, each done on a key of its own. */
const ROUTES: Readonly<Record<string, Route>> = {
  'GET /keys/:id': { status: 200 },
  'GET /keys/:id/metadata': { status: 200 },
  'GET /keys/:id/versions': { status: 200 },
  'PATCH /keys/:id': { status: 200, sent: { body: { keyRingID: 'default' } } },
  'DELETE /keys/:id': { status: 204 },
  'DELETE /keys/:id/purge': { status: 204, gone: true, sent: { headers: as('purger') }, prepare: before('DELETE', '') },
  'POST /keys/:id/restore': { status: 201, prepare: before('DELETE', '') },
  'POST /keys/:id/actions/wrap': { status: 200 },
  'POST /keys/:id/actions/unwrap': { status: 200, prepare: wrapped },
  'POST /keys/:id/actions/rewrap': { status: 200, prepare: wrapped },
  'POST /keys/:id/actions/rotate': { status: 204 },
  'POST /keys/:id/actions/disable': { status: 204 },
  'POST /keys/:id/actions/enable': { status: 204, prepare: before('POST', '/actions/disable') },
  'POST /keys/:id/actions/setKeyForDeletion': { status: 204, prepare: setDualAuth },
  'POST /keys/:id/actions/unsetKeyForDeletion': { status: 204, prepare: setDualAuth },
  'POST /keys/:id/actions/sync': { status: 204 },
  'GET /keys/:id/policies': { status: 200 },
  'PUT /keys/:id/policies': { status: 200, sent: dualAuth },
  'GET /keys/:id/registrations': { status: 200 },
  'POST /keys/:id/registrations/:resourceCrn': { status: 201, sent: service, rest: RESOURCE },
  'PATCH /keys/:id/registrations/:resourceCrn': { status: 200, sent: service, rest: RESOURCE, prepare: registered },
  'PUT /keys/:id/registrations/:resourceCrn': { status: 200, sent: service, rest: RESOURCE, prepare: registered },
  'DELETE /keys/:id/registrations/:resourceCrn': { status: 204, sent: service, rest: RESOURCE, prepare: registered },
  'POST /keys/:id/aliases/:alias': { status: 201, rest: { ':alias': 'second' } },
  'DELETE /keys/:id/aliases/:alias': {
    status: 204,
    rest: { ':alias': 'third' },
    prepare: before('POST', '/aliases/third'),
  },
}

const BY_QUERY = ['wrap', 'unwrap', 'rewrap', 'rotate', 'disable', 'enable', 'setKeyForDeletion', 'unsetKeyForDeletion']
const routes: readonly (readonly [string, Route])[] = [
  ...Object.entries(ROUTES),
  ...BY_QUERY.map(
    (action) => [`POST /keys/:id?action=${action}`, routeOf(`POST /keys/:id/actions/${action}`)] as const,
  ),
  ['POST /keys/:id?action=restore', routeOf('POST /keys/:id/restore')],
]

function routeOf(name: string): Route {
  const route = ROUTES[name]
  if (!route) throw new Error(`no route ${name}`)
  return route
}

const served = OPERATIONS.filter(({ name, path }) => path.includes('/keys/:id') && name !== 'ActionOnKey').map(
  ({ method, path, query }) =>
    `${method} ${path.slice('/api/v2'.length)}${query ? `?${new URLSearchParams(Object.entries(query).map(([name, value]) => [name, String(value)]))}` : ''}`,
)

const callOf = (route: string, key: string, rest: Readonly<Record<string, string>> = {}) => {
  const [method = '', path = ''] = route.split(' ')
  const full = Object.entries(rest).reduce((text, [name, value]) => text.replace(name, value), path)
  return [method, full.replace(':id', key)] as const
}

let made = 0
describe('an alias', () => {
  it('is tried on every route of a key', () => {
    expect(routes.map(([name]) => name).sort()).toEqual([...served].sort())
  })

  it.each(routes)('stands for the key in %s', async (name, { status, gone, sent = {}, prepare, rest }) => {
    const alias = `Alias_${made++}`
    const id = await server.rootKey({ aliases: [alias] })
    const prepared = await prepare?.(id)
    const answer = await server.call(...callOf(name, alias, rest), { ...sent, ...prepared })
    expect(answer.status, answer.text).toBe(status)
    const after = await server.call('GET', `/keys/${alias}/metadata`)
    if (gone) expect(refusal(after)).toBe('404 KEY_NOT_FOUND_ERR')
    else expect(after.json.resources[0].id).toBe(id)
    const acted = server.events.findLast(({ key, outcome }) => key === alias && outcome === 'success')
    expect(acted).toBeDefined()
  })

  it.each(routes)('that no key has is a key that there is not, in %s', async (name, { sent = {}, rest }) => {
    await server.rootKey({ aliases: [`Known_${made}`] })
    const opening = /[/=](un|re)wrap/.test(name) ? { body: { ciphertext: 'AAAA' } } : {}
    for (const alias of [`known_${made++}`, 'nobody']) {
      const answer = await server.call(...callOf(name, alias, rest), { ...sent, ...opening })
      expect(refusal(answer)).toBe('404 KEY_NOT_FOUND_ERR')
    }
  })
})
