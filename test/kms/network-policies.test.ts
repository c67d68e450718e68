import { afterEach, describe, expect, it } from 'vitest'
import { type KeyProtectServer, keyProtectServer, type ServerOptions } from '../support/key-protect.ts'

let server: KeyProtectServer | undefined
afterEach(() => server?.close())

/** A server behind a proxy on this machine, which says where its callers are. */
async function behindProxy(options: ServerOptions = {}) {
  const started = await keyProtectServer({ trustedProxies: ['127.0.0.0/8'], ...options })
  server = started
  const from = (address: string) => ({ headers: { 'x-forwarded-for': address } })
  const policy = async (type: string, attributes: object) => {
    const body = {
      metadata: { collectionTotal: 1 },
      resources: [{ policy_type: type, policy_data: { enabled: true, attributes } }],
    }
    expect((await started.call('PUT', '/instance/policies', { body, ...from('10.1.2.3') })).status).toBe(204)
  }
  const status = async (address: string) => (await started.call('GET', '/keys', from(address))).status
  return { ...started, from, policy, status }
}

describe('allowedIP', () => {
  it('lets in callers from its networks, IPv4 and IPv6, and no others', async () => {
    const { policy, status } = await behindProxy()
    await policy('allowedIP', { allowed_ip: ['192.0.2.0/24', '2001:db8::/32', '10.1.2.3/32'] })
    for (const inside of ['192.0.2.1', '192.0.2.255', '::ffff:192.0.2.7', '2001:db8:1::9', '10.1.2.3']) {
      expect([inside, await status(inside)]).toEqual([inside, 200])
    }
    for (const outside of ['192.0.3.1', '10.1.2.4', '2001:db9::1', '::1', 'unknown', '192.0.2.1:80']) {
      expect([outside, await status(outside)]).toEqual([outside, 401])
    }
  })

  it('answers as to one without a right, says so to the audit alone, and holds for its own policy too', async () => {
    const { policy, call, from, events } = await behindProxy()
    await policy('allowedIP', { allowed_ip: ['10.0.0.0/8'] })
    events.length = 0
    const refused = await call('GET', '/instance/policies', from('192.0.2.1'))
    expect(refused.status).toBe(401)
    expect(refused.json.resources).toEqual([
      { errorMsg: 'Unauthorized: The user does not have access to the specified resource' },
    ])
    expect(events).toMatchObject([{ outcome: 'failure', code: 'Unauthorized', reason: 'policy allowedIP' }])
    expect((await call('GET', '/instance/policies', from('10.9.9.9'))).status).toBe(200)
  })

  it('is no matter of services, in this process or over a wire', async () => {
    const { policy, call, from, kms, serviceCaller, rootKey } = await behindProxy()
    const key = await rootKey()
    await policy('allowedIP', { allowed_ip: ['10.0.0.0/8'] })
    kms.wrap(serviceCaller, key, Buffer.alloc(32), [])
    const headers = { authorization: 'Bearer service-token', ...from('192.0.2.1').headers }
    expect((await call('POST', `/keys/${key}/actions/wrap`, { headers })).status).toBe(200)
  })

  it('holds for services over a wire when the operator says so, and never in this process', async () => {
    const settings = { networkPoliciesForServices: true }
    const { policy, call, from, kms, serviceCaller, rootKey } = await behindProxy({ settings })
    const key = await rootKey()
    await policy('allowedIP', { allowed_ip: ['10.0.0.0/8'] })
    kms.wrap(serviceCaller, key, Buffer.alloc(32), [])
    const wrapFrom = async (address: string) => {
      const headers = { authorization: 'Bearer service-token', ...from(address).headers }
      return (await call('POST', `/keys/${key}/actions/wrap`, { headers })).status
    }
    expect([await wrapFrom('192.0.2.1'), await wrapFrom('10.1.2.3')]).toEqual([401, 200])
  })

  it('believes no X-Forwarded-For of a caller that is no trusted proxy', async () => {
    const { policy, call, from } = await behindProxy({ trustedProxies: [] })
    await policy('allowedIP', { allowed_ip: ['10.0.0.0/8'] })
    expect((await call('GET', '/keys', from('10.1.2.3'))).status).toBe(401)
  })

  it('believes a proxy what it added, and nothing that its caller wrote before', async () => {
    const { policy, status } = await behindProxy({ trustedProxies: ['127.0.0.1', '203.0.113.9'] })
    await policy('allowedIP', { allowed_ip: ['10.0.0.0/8'] })
    expect(await status('10.1.2.3, 192.0.2.1')).toBe(401)
    expect(await status('192.0.2.1, 10.1.2.3')).toBe(200)
    expect(await status('10.1.2.3, 203.0.113.9')).toBe(200)
    expect(await status('10.1.2.3, 198.51.100.1, 203.0.113.9')).toBe(401)
  })

  it('can be put out of force by the operator, for whom it locked out', async () => {
    const { status, policy } = await behindProxy({ settings: { networkPolicies: false } })
    await policy('allowedIP', { allowed_ip: ['10.0.0.0/8'] })
    expect(await status('192.0.2.1')).toBe(200)
  })
})

describe('allowedNetwork', () => {
  it('private-only keeps out callers from public addresses; both policies must hold', async () => {
    const { policy, status } = await behindProxy()
    await policy('allowedNetwork', { allowed_network: 'private-only' })
    expect(await status('192.0.2.1')).toBe(401)
    for (const inside of ['10.1.2.3', '172.16.0.1', '192.168.1.1', '127.0.0.1', '::1', 'fd00::1']) {
      expect([inside, await status(inside)]).toEqual([inside, 200])
    }
    await policy('allowedIP', { allowed_ip: ['10.0.0.0/8', '192.0.2.0/24'] })
    expect(await status('192.0.2.1')).toBe(401)
    expect(await status('192.168.1.1')).toBe(401)
    expect(await status('10.1.2.3')).toBe(200)
    await policy('allowedNetwork', { allowed_network: 'public-and-private' })
    expect(await status('192.0.2.1')).toBe(200)
  })

  it('takes other networks as private when the operator says so', async () => {
    const { policy, status } = await behindProxy({ settings: { privateNetworks: ['192.0.2.0/24', '10.1.2.3'] } })
    await policy('allowedNetwork', { allowed_network: 'private-only' })
    expect(await status('192.0.2.1')).toBe(200)
    expect(await status('192.168.1.1')).toBe(401)
  })
})
