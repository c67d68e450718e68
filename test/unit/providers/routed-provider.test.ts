import { describe, expect, it } from 'vitest'
import { formatCrn } from '../../../src/base/crn.ts'
import { newDek } from '../../../src/envelope/dek.ts'
import type { KeyProvider } from '../../../src/envelope/key-provider.ts'
import { routedProvider } from '../../../src/providers/routed-provider.ts'

const [LOCAL, FIRST, SECOND] = ['a', 'b', 'c'].map((digit) => `${digit.repeat(8)}-0000-4000-8000-000000000000`)
const MINE = '1'.repeat(32)
const THEIRS = '2'.repeat(32)
const nothing = { instances: [], accounts: [], regions: [] }

/** Says its name as the key version of whatever it wraps. */
function named(name: string, closed: string[]): KeyProvider {
  const never = async () => {
    throw new Error('not asked for')
  }
  return {
    name,
    supports: { rewrap: true, aad: true, versions: true, registrations: name !== 'anything' },
    wrap: async () => ({ ciphertext: Buffer.alloc(0), keyVersion: name }),
    unwrap: never,
    rewrap: never,
    permit: async () => {},
    describe: async ({ rootKeyCrn }) => ({ crn: rootKeyCrn, keyVersion: name, region: '' }),
    find: async ({ rootKeyCrn }) => ({ crn: rootKeyCrn, keyVersion: name, region: '' }),
    register: never,
    deregister: never,
    close: async () => void closed.push(name),
  }
}

function world() {
  const closed: string[] = []
  const route = (name: string, claims: object) => ({
    claims: { ...nothing, ...claims },
    provider: named(name, closed),
  })
  const provider = routedProvider({
    local: { owns: ({ instance }) => instance === LOCAL, provider: named('local', closed) },
    routes: [
      route('anything', {}),
      route('german', { regions: ['eu-de'] }),
      route('theirs', { accounts: [THEIRS] }),
      route('one instance', { instances: [FIRST] }),
    ],
  })
  return { provider, closed }
}

const key = (instance = SECOND ?? '', account = MINE, region = 'us-south') => ({
  rootKeyCrn: formatCrn({ service: 'kms', region, account, instance, resourceType: 'key', resource: 'k' }),
  serviceInstanceCrn: '',
})

describe('several providers as one', () => {
  it('the CRN of a key names its provider, the narrowest claim first and this process before all', async () => {
    const { provider } = world()
    const of = async (...at: Parameters<typeof key>) => (await provider.describe(key(...at))).keyVersion
    expect(await of()).toBe('anything')
    expect(await of(SECOND, MINE, 'eu-de')).toBe('german')
    expect(await of(SECOND, THEIRS, 'eu-de')).toBe('theirs')
    expect(await of(FIRST, THEIRS, 'eu-de')).toBe('one instance')
    expect(await of(FIRST?.toUpperCase(), MINE)).toBe('one instance')
    expect(await of(LOCAL, THEIRS, 'eu-de')).toBe('local')
    using dek = newDek()
    expect((await provider.wrap(key(FIRST), dek, [])).keyVersion).toBe('one instance')
  })

  it('RootKeyNotFound: a key that nobody claims, or what is no CRN', async () => {
    const lonely = routedProvider({
      routes: [{ claims: { ...nothing, regions: ['eu-de'] }, provider: named('x', []) }],
    })
    for (const rootKeyCrn of [key().rootKeyCrn, 'key', '']) {
      const call = { rootKeyCrn, serviceInstanceCrn: '' }
      for (const act of [lonely.permit(call, 'wrap'), lonely.describe(call)]) {
        await expect(act).rejects.toMatchObject({ code: 'RootKeyNotFound' })
      }
    }
  })

  it('can what they all can, and closes them all', async () => {
    const { provider, closed } = world()
    expect(provider.supports).toEqual({ rewrap: true, aad: true, versions: true, registrations: false })
    await provider.close()
    expect(closed.sort()).toEqual(['anything', 'german', 'local', 'one instance', 'theirs'])
  })
})
