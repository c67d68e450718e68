import { describe, expect, it } from 'vitest'
import { isNetwork, isNetworkOrAddress, networkTest, plainAddress } from '../../../src/base/networks.ts'

describe('networks', () => {
  it.each(['192.0.2.0/24', '0.0.0.0/0', '192.0.2.7/32', '2001:db8::/32', '::/0', '::1/128'])('take %s', (text) => {
    expect(isNetwork(text)).toBe(true)
  })

  it.each(['', '/', '192.0.2.0/', '192.0.2.0/33', '192.0.2/24', '2001:db8::/129', '::1%eth0/64', 'a/8', '1.2.3.4/8/8'])(
    'refuse %j',
    (text) => {
      expect(isNetwork(text)).toBe(false)
      expect(() => networkTest([text])).toThrow(RangeError)
    },
  )

  it('take a single address where no length is needed', () => {
    expect([isNetwork('192.0.2.1'), isNetworkOrAddress('192.0.2.1'), isNetworkOrAddress('::1')]).toEqual([
      false,
      true,
      true,
    ])
    expect(networkTest(['192.0.2.1'])('192.0.2.1')).toBe(true)
    expect(networkTest(['192.0.2.1'])('192.0.2.2')).toBe(false)
  })

  it('hold IPv4 addresses however they are written, and nothing that is no address', () => {
    const test = networkTest(['192.0.2.0/24', '2001:db8::/32'])
    expect(['192.0.2.9', '::ffff:192.0.2.9', '::FFFF:192.0.2.9', '2001:DB8::1', '2001:db8::1%eth0'].map(test)).toEqual(
      Array.from({ length: 5 }, () => true),
    )
    expect(['192.0.3.1', '::192.0.2.9', '2001:db9::', '', 'localhost', '192.0.2.9:80', undefined].map(test)).toEqual(
      Array.from({ length: 7 }, () => false),
    )
  })

  it('that are none hold no address', () => {
    expect(networkTest([])('127.0.0.1')).toBe(false)
  })

  it('addresses lose their zone and their IPv6 dress', () => {
    expect(['fe80::1%eth0', '::ffff:10.0.0.1', '10.0.0.1', 'x'].map(plainAddress)).toEqual([
      'fe80::1',
      '10.0.0.1',
      '10.0.0.1',
      undefined,
    ])
  })
})
