import { CreateBucketCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { firewallTest } from '../../src/api/s3/firewall.ts'
import { OPERATIONS } from '../../src/api/s3/operations/index.ts'
import { mainAccount } from '../support/bootstrap.ts'
import { sendConfig } from '../support/bucket-config.ts'
import { iamToken } from '../support/control-api.ts'
import { startHouse, type TestHouse } from '../support/house.ts'
import { sampleRequest } from '../support/operation-samples.ts'
import { outcome, sendRaw } from '../support/raw-s3.ts'

let test: TestHouse
let token: string
beforeAll(async () => {
  // Who comes through the loopback says by X-Forwarded-For where he is.
  test = await startHouse({
    settings: { COFFER_TRUSTED_PROXIES: '127.0.0.1', COFFER_KMS_PRIVATE_NETWORKS: '10.0.0.0/8' },
  })
  token = await iamToken(test.controlUrl)
  for (const bucket of ['walled', 'open']) {
    await test.client().send(new CreateBucketCommand({ Bucket: bucket }))
    await test.client().send(new PutObjectCommand({ Bucket: bucket, Key: 'key', Body: 'x' }))
  }
})
afterAll(() => test[Symbol.asyncDispose]())
afterEach(() => wall(null))

const wall = async (firewall: object | null): Promise<number> =>
  (await sendConfig(test.controlUrl, 'walled', token, { patch: { firewall } })).status
const from = async (address: string, path = '/walled/key', more: object = {}): Promise<string> =>
  outcome(await sendRaw(test.s3Url, { method: 'GET', path, headers: { 'x-forwarded-for': address }, ...more }))

describe('the firewall of a bucket', () => {
  it('lets in who is on its list, from the next request on, and everybody when it is lifted', async () => {
    expect(await from('192.0.2.7')).toBe('200')
    expect(await wall({ allowed_ip: ['192.0.2.0/24', '2001:db8::1'] })).toBe(204)
    expect(await from('192.0.2.7')).toBe('200')
    expect(await from('2001:db8::1')).toBe('200')
    expect(await from('192.0.3.7')).toBe('403 AccessDenied')
    expect(await from('2001:db8::2')).toBe('403 AccessDenied')
    expect(await from('192.0.3.7', '/open/key')).toBe('200')
    expect(await wall({ allowed_ip: [] })).toBe(204)
    expect(await from('192.0.3.7')).toBe('200')
  })

  it('keeps out who is on the other list, also when he is on both', async () => {
    await wall({ denied_ip: ['192.0.2.0/24'] })
    expect(await from('192.0.2.7')).toBe('403 AccessDenied')
    expect(await from('192.0.3.7')).toBe('200')
    await wall({ allowed_ip: ['192.0.0.0/16'] })
    expect(await from('192.0.2.7')).toBe('403 AccessDenied')
  })

  it('knows the private network', async () => {
    await wall({ allowed_network_type: ['private'] })
    expect([await from('10.1.2.3'), await from('192.0.2.7')]).toEqual(['200', '403 AccessDenied'])
    await wall({ allowed_network_type: ['public'] })
    expect([await from('10.1.2.3'), await from('192.0.2.7')]).toEqual(['403 AccessDenied', '200'])
    await wall({ allowed_network_type: ['private'], allowed_ip: ['10.1.0.0/16'] })
    expect([await from('10.1.2.3'), await from('10.2.2.3')]).toEqual(['200', '403 AccessDenied'])
  })

  it('is of the connection where nobody is trusted to say otherwise', async () => {
    await using plain = await startHouse()
    await plain.client().send(new CreateBucketCommand({ Bucket: 'walled' }))
    const by = await iamToken(plain.controlUrl)
    await sendConfig(plain.controlUrl, 'walled', by, { patch: { firewall: { allowed_ip: ['192.0.2.7'] } } })
    const headers = { 'x-forwarded-for': '192.0.2.7' }
    expect(outcome(await sendRaw(plain.s3Url, { method: 'GET', path: '/walled', headers }))).toBe('403 AccessDenied')
  })

  it('is around every operation on the bucket and what is in it', async () => {
    await wall({ allowed_ip: ['192.0.2.7'] })
    const on = OPERATIONS.filter((operation) => operation.on !== 'service' && operation.name !== 'CreateBucket')
    expect(on.length).toBeGreaterThan(18)
    for (const operation of on) {
      const { status } = await sendRaw(
        test.s3Url,
        sampleRequest(operation, { bucket: 'walled', key: 'key', source: 'open/key' }),
      )
      expect([operation.name, status]).toEqual([operation.name, 403])
    }
  })

  it('is around the source of a copy, whatever bucket it goes to', async () => {
    await wall({ denied_ip: ['192.0.2.7'] })
    const copy = (address: string) =>
      from(address, '/open/copy', {
        method: 'PUT',
        headers: { 'x-forwarded-for': address, 'x-amz-copy-source': '/walled/key' },
      })
    expect([await copy('192.0.2.7'), await copy('192.0.2.8')]).toEqual(['403 AccessDenied', '200'])
  })

  it('does not hide the bucket from the list, nor its configuration from those who may change it', async () => {
    await wall({ allowed_ip: ['192.0.2.7'] })
    expect(await from('192.0.2.99', '/')).toBe('200')
    const headers = { 'x-forwarded-for': '192.0.2.99' }
    const { status, body } = await sendConfig(test.controlUrl, 'walled', token, { headers })
    expect([status, body.firewall]).toEqual([200, { allowed_ip: ['192.0.2.7'] }])
    const lifted = await sendConfig(test.controlUrl, 'walled', token, { headers, patch: { firewall: null } })
    expect(lifted.status).toBe(204)
    expect(await from('192.0.2.99')).toBe('200')
  })

  it('lets nobody in whose address cannot be told', () => {
    const test = firewallTest([])
    for (const firewall of [
      { allowedIp: ['::/0'] },
      { deniedIp: ['::1'] },
      { allowedNetworkType: ['private'] as const },
    ]) {
      expect(test(firewall, undefined)).toMatch(/^firewall /)
    }
    expect(test({ allowedIp: [], deniedIp: [], allowedNetworkType: [] }, undefined)).toBeUndefined()
    expect(test(undefined, undefined)).toBeUndefined()
  })

  it('stands after a restart', async () => {
    await using first = await startHouse()
    await first.client().send(new CreateBucketCommand({ Bucket: 'walled' }))
    const patch = { firewall: { allowed_ip: ['192.0.2.7'] } }
    await sendConfig(first.controlUrl, 'walled', await iamToken(first.controlUrl), { patch })
    await first.stop()
    const again = await startHouse({ directory: first.directory })
    expect(outcome(await sendRaw(again.s3Url, { method: 'GET', path: '/walled', account: mainAccount }))).toBe(
      '403 AccessDenied',
    )
    await again.stop()
  })
})
