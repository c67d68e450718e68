import { describe, expect, it } from 'vitest'
import { isPublicAddress, lookupWithin, mayReachHost } from '../../../src/base/public-address.ts'

const PUBLIC = ['1.1.1.1', '8.8.8.8', '172.15.0.1', '172.32.0.1', '100.63.0.1', '2606:4700::1111', '2a00:1450::1']
const OTHERS = [
  ...['0.0.0.0', '127.0.0.1', '127.255.255.254', '10.1.2.3', '172.16.0.1', '172.31.255.255', '192.168.1.1'],
  ...['169.254.169.254', '100.64.0.1', '100.100.100.200', '192.0.0.192', '198.18.0.1', '224.0.0.1', '255.255.255.255'],
  ...['::', '::1', 'fe80::1', 'fd00:ec2::254', 'fc00::1', 'ff02::1', '2001:db8::1', '2002:7f00:1::', '64:ff9b::7f00:1'],
  ...['::ffff:127.0.0.1', '::ffff:7f00:1', '::ffff:169.254.169.254', '::7f00:1', '2001:0:7f00:1::', 'fe80::1%eth0'],
  ...['', 'localhost', '1.1.1.1.', '0x7f.1'],
]

describe('An address', () => {
  it.each(PUBLIC)('of anybody is public: %s', (address) => expect(isPublicAddress(address)).toBe(true))
  it.each(OTHERS)('of this machine, its network or nobody is not: %s', (address) =>
    expect(isPublicAddress(address)).toBe(false),
  )
})

describe('A host', () => {
  it.each(['127.0.0.1', '2130706433', '0x7f.1', '017700000001', '[::1]', '[::ffff:127.0.0.1]', '[::ffff:7f00:1]'])(
    'that is an address is judged by it, however it is written: %s',
    (host) => expect(mayReachHost(new URL(`https://${host}/`), isPublicAddress)).toBe(false),
  )

  it('that is a name is judged by the addresses that it stands for, and no others are handed on', async () => {
    const found = (mayReach: (address: string) => boolean) =>
      new Promise((resolve) =>
        lookupWithin(mayReach)('localhost', { all: true }, (error, addresses) =>
          resolve(error ? error.message : addresses),
        ),
      )
    expect(await found(isPublicAddress)).toBe('localhost has no address that may be reached')
    expect(await found((address) => address === '127.0.0.1')).toEqual([{ address: '127.0.0.1', family: 4 }])
  })
})
