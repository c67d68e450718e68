import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'

const SOURCES = join(import.meta.dirname, '../../../src')
/** A value that somebody who may not know it could send, by what such values are called, on either side of a comparison. */
const SECRET =
  /(signature|hmac|\bmac\b|secret|passphrase|password|apiKey\b|api_key|nonce|commitment|csrf|sessionToken|refreshToken|bearer|sealedTag)\w*(\(\))?(\.\w+(\(\))?)*\s*(===|!==)|(===|!==)\s*[\w.?[\]'"-]*(signature|hmac|\bmac\b|secret|passphrase|password|apiKey\b|api_key|nonce|commitment|csrf|sessionToken|refreshToken|bearer)|(signature|hmac|secret|passphrase|password|nonce|commitment|csrf|sessionToken)\w*\.(equals|localeCompare|startsWith|compare)\(/i
/** What is compared there is a kind, a presence or a length. */
const NO_VALUE =
  /(===|!==) (undefined|null|true|false|'[^']*'|-?\d+)|typeof|'[^']*' (===|!==)|\.length (===|!==)|\.type (===|!==)/

/** Where the order of time tells nothing to anybody who does not know the value already, and why. */
const KNOWN: readonly (readonly [file: string, text: string, why: string])[] = [
  [
    'server/commands/keys.ts',
    "if (passphrase === config['instance-passphrase']?.reveal()) {",
    'two of the same operator',
  ],
  [
    'api/s3/sigv4/signing-key.ts',
    'if (known?.secret === secret) return known.key',
    'two of our own, of one access key',
  ],
  [
    'iam/credentials.ts',
    'const same = known?.secretAccessKey === row.secretAccessKey',
    'a stored one and one that an administrator declares',
  ],
  [
    'api/common/routes.ts',
    'const other = operations.find((known) => querySignature(known) === querySignature(operation))',
    'names of queries',
  ],
  [
    'storage/metadata/salvage-level.ts',
    'if (key[0] !== NONCE_SPACE) sequence = Math.max(sequence, sequenceOf(value))',
    'a space',
  ],
  [
    'storage/metadata/salvage-level.ts',
    'if (key[0] !== NONCE_SPACE || key.length !== EPOCH_KEY_BYTES || value?.length !== STORED_SALT_BYTES) continue',
    'a space',
  ],
  [
    'storage/metadata/nonce-source.ts',
    'const own = rows.filter(({ space, isGone }) => space === NONCE_SPACE && !isGone)',
    'a space',
  ],
]

const compared = (): string[] =>
  readdirSync(SOURCES, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .flatMap((name) =>
      readFileSync(join(SOURCES, name), 'utf8')
        .split('\n')
        .filter((line) => SECRET.test(line) && !NO_VALUE.test(line) && !/^\s*(\*|\/\/|\/\*)/.test(line))
        .map((line) => `${name}: ${line.trim()}`),
    )

it('Secrets are compared in constant time: where one is compared otherwise, it is known why', () => {
  const known = new Set(KNOWN.map(([file, text]) => `${file}: ${text}`))
  expect(compared().filter((one) => !known.has(one))).toEqual([])
})

it.each([
  'if (signature === expected) return',
  'return expected === presented.signature',
  'if (given.secretAccessKey !== row.secretAccessKey) throw no()',
  "if (session.csrf !== header('x-csrf'))",
  'return commitment.equals(stored)',
])('A comparison of one is found: %s', (line) => {
  expect(SECRET.test(line) && !NO_VALUE.test(line)).toBe(true)
})
