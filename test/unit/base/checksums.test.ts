import { execFileSync } from 'node:child_process'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  CHECKSUM_ALGORITHMS,
  compositeDigest,
  createHasher,
  DIGEST_BYTES,
  hashOf,
} from '../../../src/base/checksums.ts'
import { combineCrcs } from '../../../src/base/crc-combine.ts'

const bytes = fc.uint8Array({ maxLength: 400 }).map((array) => Buffer.from(array))

describe('hashers', () => {
  it.each([
    ['crc32', 'cbf43926'],
    ['crc32c', 'e3069283'],
    ['crc64nvme', 'ae8b14860a799888'],
    ['md5', '25f9e794323b453885f5181f1b624d0b'],
    ['sha1', 'f7c3bc1d808e04732adf679965ccc34ca7ae3441'],
    ['sha256', '15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225'],
  ] as const)('%s gives its check value', (algorithm, expected) => {
    const digest = hashOf(algorithm, Buffer.from('123456789'))
    expect(digest.toString('hex')).toBe(expected)
    expect(digest.length).toBe(DIGEST_BYTES[algorithm])
  })

  it('give the same for every way to cut the bytes, also when several run at once', () => {
    fc.assert(
      fc.property(bytes, bytes, bytes, (a, b, c) => {
        for (const algorithm of CHECKSUM_ALGORITHMS) {
          const one = createHasher(algorithm)
          const other = createHasher(algorithm)
          one.update(a)
          other.update(c)
          one.update(b)
          other.update(a)
          expect(one.digest()).toEqual(hashOf(algorithm, Buffer.concat([a, b])))
          expect(other.digest()).toEqual(hashOf(algorithm, Buffer.concat([c, a])))
        }
      }),
    )
  })
})

describe('checksums of multipart objects', () => {
  it('hash the digests of the parts for a composite one', () => {
    const parts = ['a', 'b'].map((part) => hashOf('md5', Buffer.from(part)))
    expect(compositeDigest('md5', parts)).toEqual(hashOf('md5', Buffer.concat(parts)))
  })

  it.each(['crc32', 'crc32c', 'crc64nvme'] as const)('combine %s of the parts to that of the whole', (algorithm) => {
    fc.assert(
      fc.property(fc.array(bytes, { maxLength: 6 }), (parts) => {
        const combined = combineCrcs(
          algorithm,
          parts.map((part) => ({ digest: hashOf(algorithm, part), sizeBytes: part.length })),
        )
        expect(combined).toEqual(hashOf(algorithm, Buffer.concat(parts)))
      }),
    )
  })

  it.each(['crc32', 'crc32c', 'crc64nvme'] as const)('combine %s over lengths beyond 32 bits', (algorithm) => {
    const part = (sizeBytes: number, text: string) => ({ digest: hashOf(algorithm, Buffer.from(text)), sizeBytes })
    const half = 3 * 2 ** 33 + 5
    const once = combineCrcs(algorithm, [part(1, 'a'), part(2 * half, 'b')])
    const zeros = { digest: combineCrcs(algorithm, []), sizeBytes: half }
    const twice = combineCrcs(algorithm, [part(1, 'a'), zeros, { digest: part(0, 'b').digest, sizeBytes: half }])
    expect(once).toEqual(twice)
  })
})

describe('where OpenSSL gives no MD5', () => {
  it('it is made all the same: it is a checksum', () => {
    const module = new URL('../../../src/base/checksums.ts', import.meta.url).href
    const program = `
      import { createHash, setFips } from 'node:crypto'
      setFips(true)
      let refused = false
      try { createHash('md5') } catch { refused = true }
      const { createHasher, hashOf } = await import('${module}')
      const [one, other] = [createHasher('md5'), createHasher('md5')]
      for (const piece of ['1234', '56789']) { one.update(Buffer.from(piece)); other.update(Buffer.from('x')) }
      console.log(refused, one.digest().toString('hex'), hashOf('md5', Buffer.from('123456789')).toString('hex'))`
    const told = execFileSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' }).trim()
    const md5 = '25f9e794323b453885f5181f1b624d0b'
    expect(told).toBe(`true ${md5} ${md5}`)
  })
})
