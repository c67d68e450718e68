import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { as, type KeyProtectServer, keyProtectServer, newKey, refusal } from '../support/key-protect.ts'
import { MANAGED_RING } from '../support/kms-world.ts'

const DAY_MS = 86_400_000

let server: KeyProtectServer
const ids = new Map<string, string>()
const nameOf = (id: string): string => [...ids].find(([, known]) => known === id)?.[0] ?? id

/**
 * On one day each, from 2030-01-01: alpha (root, rotated on the 5th), beta (standard), gamma (root, disabled on the
 * 5th), delta (root, deleted on the 5th), epsilon (root, expires on 2030-02-01, has aliases).
 */
beforeAll(async () => {
  server = await keyProtectServer({ settings: { searchLimit: 5 } })
  const make = async (name: string, resource: object) => {
    const { json } = await server.call('POST', '/keys', { body: newKey({ name, ...resource }) })
    ids.set(name, json.resources[0].id)
    server.passTime(DAY_MS)
  }
  await make('alpha', { extractable: false })
  await make('beta', {})
  await make('gamma', { extractable: false })
  await make('delta', { extractable: false })
  await make('epsilon', {
    extractable: false,
    expirationDate: '2030-02-01T00:00:00Z',
    aliases: ['Gamma-ray', 'not:alpha'.replace(':', '-')],
  })
  server.passTime(-DAY_MS)
  await server.call('POST', `/keys/${ids.get('alpha')}/actions/rotate`)
  await server.call('POST', `/keys/${ids.get('gamma')}/actions/disable`)
  await server.call('DELETE', `/keys/${ids.get('delta')}`)
})
afterAll(() => server.close())

const list = (parameters: Record<string, string>, headers = {}) =>
  server.call('GET', `/keys?${new URLSearchParams(parameters)}`, { headers })
const names = async (parameters: Record<string, string>) =>
  ((await list(parameters)).json.resources ?? []).map(({ id }: { id: string }) => nameOf(id))
const sortedNames = async (parameters: Record<string, string>) => (await names(parameters)).sort()

describe('search', () => {
  it.each([
    ['a', ['alpha', 'beta', 'epsilon', 'gamma']],
    ['gamma', ['epsilon', 'gamma']],
    ['GAMMA', ['epsilon', 'gamma']],
    ['name:gamma', ['gamma']],
    ['alias:gamma', ['epsilon']],
    ['name:alias:gamma', ['epsilon', 'gamma']],
    ['exact:gamma', ['gamma']],
    ['exact:Gamma-RAY', ['epsilon']],
    ['not:gamma', ['alpha', 'beta']],
    ['not:exact:gamma', ['alpha', 'beta', 'epsilon']],
    ['exact:not:gamma', ['alpha', 'beta', 'epsilon']],
    ['not:alias:gamma', ['alpha', 'beta', 'gamma']],
    ['name:exact:beta', ['beta']],
    ['exact:name:Gamma-ray', []],
    ['escape:not:alpha', []],
    ['not-a', ['epsilon']],
    ['zeta', []],
  ])('%s finds %j', async (search, expected) => {
    expect(await sortedNames({ search })).toEqual(expected)
  })

  it('takes all as text after escape', async () => {
    await server.call('POST', '/keys', { body: newKey({ name: 'not:exact:odd' }) })
    const found = await list({ search: 'exact:escape:not:exact:odd' })
    expect(found.json.resources.map(({ name }: { name: string }) => name)).toEqual(['not:exact:odd'])
    await server.call('DELETE', `/keys/${found.json.resources[0].id}`)
  })

  it('says in the metadata what it understood', async () => {
    const type = 'application/vnd.ibm.kms.key+json'
    expect((await list({ search: 'not:exact:alias:x' })).json.metadata).toEqual({
      collectionType: type,
      collectionTotal: 4,
      searchQuery: { query: 'x', scopes: ['alias'], not: true, exact: true },
    })
    expect((await list({ search: 'gamma' })).json.metadata.searchQuery).toEqual({
      query: 'gamma',
      scopes: ['name', 'alias'],
    })
    expect((await list({})).json.metadata).not.toHaveProperty('searchQuery')
  })

  it('puts the key that it names by id or alias first', async () => {
    const id = ids.get('gamma') ?? ''
    expect(await names({ search: id })).toEqual(['gamma'])
    await server.call('POST', '/keys', { body: newKey({ name: `about ${id}` }) })
    const found = (await list({ search: id, sort: 'creationDate' })).json.resources
    expect(found.map(({ name }: { name: string }) => name)).toEqual(['gamma', `about ${id}`])
    await server.call('DELETE', `/keys/${found[1].id}`)
    expect((await names({ search: 'Gamma-ray', sort: 'creationDate' }))[0]).toBe('epsilon')
  })

  it('keeps to what the other parameters leave', async () => {
    expect(await sortedNames({ search: 'delta', state: '5' })).toEqual(['delta'])
    expect(await sortedNames({ search: 'delta' })).toEqual([])
    expect(await sortedNames({ search: 'a', extractable: 'true' })).toEqual(['beta'])
    expect(await names({ search: 'a', sort: 'creationDate', limit: '1', offset: '1' })).toEqual(['beta'])
    expect(await names({ search: ids.get('delta') ?? '' })).toEqual([])
  })

  it('in too many keys is refused, but for the key that it names', async () => {
    const all = { state: '0,1,2,3,5' }
    const extra = await server.rootKey({ name: 'one more' })
    expect(refusal(await list({ ...all, search: 'a' }))).toBe('400 KEY_SEARCH_TOO_BROAD')
    const byId = await list({ ...all, search: ids.get('beta') ?? '' })
    expect(byId.json.metadata).toMatchObject({ collectionTotal: 1, incompleteSearch: true })
    const byAlias = await list({ ...all, search: 'alias:Gamma-ray' })
    expect(byAlias.json.resources.map(({ id }: { id: string }) => nameOf(id))).toEqual(['epsilon'])
    expect((await list({ ...all, search: 'a', extractable: 'true' })).status).toBe(200)
    await server.call('DELETE', `/keys/${extra}`)
  })
})

describe('sort', () => {
  const order = ['alpha', 'beta', 'gamma', 'delta', 'epsilon']
  it.each<readonly [string, readonly string[]]>([
    ['creationDate', order],
    ['-creationDate', [...order].reverse()],
    ['state,creationDate', ['alpha', 'beta', 'epsilon', 'gamma', 'delta']],
    ['-extractable,creationDate', ['beta', 'alpha', 'gamma', 'delta', 'epsilon']],
    ['expirationDate,creationDate', ['epsilon', 'alpha', 'beta', 'gamma', 'delta']],
    ['lastRotateDate,-creationDate', ['alpha', 'epsilon', 'delta', 'gamma', 'beta']],
    ['-deletionDate,creationDate', ['alpha', 'beta', 'gamma', 'epsilon', 'delta']],
    ['imported,creationDate', order],
  ])('%s', async (sort, expected) => {
    const filter = `creationDate=lt:"2030-01-05T00:00:01Z" state=0,1,2,3,5`
    const listed = await names({ sort, filter })
    expect(listed.filter((name: string) => ids.has(name))).toEqual(expected)
  })

  it('by id, up and down', async () => {
    const [up, down] = [await list({ sort: 'id' }), await list({ sort: '-id' })]
    const of = (answer: typeof up) => answer.json.resources.map(({ id }: { id: string }) => id)
    expect(of(up)).toEqual(of(up).toSorted())
    expect(of(down)).toEqual(of(up).toReversed())
  })

  it.each(['colour', 'id,,state', '--id', 'Id', 'name'])('refuses %s', async (sort) => {
    expect(refusal(await list({ sort }))).toBe('400 INVALID_QUERY_PARAM_ERR')
  })
})

describe('filter', () => {
  const CASES: readonly (readonly [string, readonly string[]])[] = [
    ['creationDate="2030-01-02T00:00:00Z"', ['beta']],
    ['creationDate=gte:"2030-01-03T00:00:00Z"', ['epsilon', 'gamma']],
    ['creationDate=gt:"2030-01-03T00:00:00Z"', ['epsilon']],
    ['creationDate=lt:"2030-01-02T00:00:00Z"', ['alpha']],
    ['creationDate=lte:"2030-01-02T00:00:00Z"', ['alpha', 'beta']],
    ['creationDate=gte:"2030-01-02T00:00:00Z" creationDate=lt:"2030-01-05T00:00:00Z"', ['beta', 'gamma']],
    ['creationDate=gte:"2030-01-03T01:00:00+01:00" state=2', ['gamma']],
    ['lastRotateDate=none', ['beta', 'epsilon', 'gamma']],
    ['lastRotateDate="2030-01-05T00:00:00Z"', ['alpha']],
    ['lastUpdateDate="2030-01-05T00:00:00Z"', ['alpha', 'epsilon', 'gamma']],
    ['expirationDate=lt:"2031-01-01T00:00:00Z"', ['epsilon']],
    ['expirationDate=NONE extractable=False', ['alpha', 'gamma']],
    [
      'deletionDate=gte:"2030-01-01T00:00:00Z" state=5 lastUpdateDate="2030-01-05T00:00:00Z" creationDate=lt:"2030-01-05T00:00:00Z"',
      ['delta'],
    ],
    ['state=1,2', ['alpha', 'beta', 'epsilon', 'gamma']],
    ['state=1,2 state=2,5', ['gamma']],
    ['extractable=true', ['beta']],
    ['extractable=true extractable=false', []],
  ]

  it.each(CASES)('%s', async (filter, expected) => {
    expect((await sortedNames({ filter })).filter((name: string) => ids.has(name))).toEqual(expected)
    const counted = await server.call('HEAD', `/keys?${new URLSearchParams({ filter })}`)
    expect(counted.headers.get('key-total')).toBe(String(expected.length))
  })

  it.each([
    'colour=blue',
    'state',
    'state=4',
    'state=1, 2',
    'extractable=maybe',
    'creationDate=2030-01-01T00:00:00Z',
    'creationDate="yesterday"',
    'creationDate=eq:"2030-01-01T00:00:00Z"',
    'creationDate="2030-13-01T00:00:00Z"',
    'name=alpha',
    'state=1 state=1 state=1 state=1',
  ])('refuses %s', async (filter) => {
    expect(refusal(await list({ filter }))).toBe('400 INVALID_QUERY_PARAM_ERR')
  })

  it('excludes the older parameters of the same name', async () => {
    expect(refusal(await list({ filter: 'state=1', state: '1' }))).toBe('400 INVALID_QUERY_PARAM_ERR')
    expect(refusal(await list({ filter: 'extractable=true', extractable: 'true' }))).toBe('400 INVALID_QUERY_PARAM_ERR')
    expect(await names({ filter: 'state=2', extractable: 'false' })).toEqual(['gamma'])
  })
})

it('none of them shows more than the caller may see', async () => {
  await server.call('POST', `/key_rings/${MANAGED_RING}`)
  const answer = await list({ search: 'a', sort: 'id', filter: 'state=1,2,5' }, as('ring-manager'))
  expect(answer.status).toBe(200)
  expect(answer.json.resources).toBeUndefined()
  const named = await list({ search: ids.get('alpha') ?? '' }, as('ring-manager'))
  expect(named.json.resources).toBeUndefined()
})
