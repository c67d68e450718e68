import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'

const ROOT = join(import.meta.dirname, '../../..')
const files = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts') && !name.startsWith('web/client'))
  .map((name) => ({ name, text: readFileSync(join(ROOT, 'src', name), 'utf8') }))
const document = readFileSync(join(ROOT, 'docs/fips.md'), 'utf8')

/** A call that names an algorithm, or a constant that does. */
const NAMED = [
  /\b(?:createHash|createHmac|hash|hkdfSync|argon2Sync|createHasher|hashOf|digestOf|compositeDigest)\(\s*'([\w-]+)'/g,
  /\b(?:promisify\(generateKeyPair\)|generate|derive)\('(rsa|rsa-pss|ec|ed25519|x25519|dsa|dh|argon2id|argon2i)'/g,
  /\bALGORITHM = '([\w-]+)'/g,
  /\bcase '(crc\w+)':/g,
  /\bname: '(RSA-OAEP|ECDSA|Ed25519|AES-[A-Z]+|HMAC|X25519|ECDH)'/g,
  /\basymmetricKeyType !== '(\w+)'/g,
  /'((?:RS|PS|ES|HS)(?:256|384|512)|EdDSA)'/g,
  /'(SHA-(?:1|256|384|512))'/g,
]

const column = (title: string): readonly string[] => {
  const [, row = ''] = new RegExp(`^\\| ${title} \\|(.*)\\|$`, 'm').exec(document) ?? []
  return [...row.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name)
}

it('every algorithm that the code names is in docs/fips.md, and each of those is in the code', () => {
  const found = new Set(
    files.flatMap(({ text }) => NAMED.flatMap((one) => [...text.matchAll(one)].map(([, name = '']) => name))),
  )
  const told = [...column('Approved'), ...column('Not approved')]
  // What is named like an algorithm, and is a header, a scheme made of those above, and a word.
  const others = new Set(['ibm-sse-kp-encryption-algorithm', 'AWS4-HMAC-SHA256', 'Deprecated'])
  expect([...found].filter((name) => !told.includes(name) && !others.has(name))).toEqual([])
  expect(told.filter((name) => !found.has(name))).toEqual([])
})

it('what is taken from node:crypto is what docs/fips.md says', () => {
  const taken = new Set(
    files.flatMap(({ text }) =>
      [...text.matchAll(/^import (?:type )?\{([^}]*)\} from 'node:crypto'/gm)].flatMap(([, names = '']) =>
        names
          .split(',')
          .map((name) => name.trim())
          .filter((name) => name !== '' && !/^type |^(KeyObject|Hash|JsonWebKey)$/.test(name)),
      ),
    ),
  )
  expect([...taken].map((name) => name.replace(/ as .*/, '')).sort()).toEqual([...column('Functions')].sort())
})
