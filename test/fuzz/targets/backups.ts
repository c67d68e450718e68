import assert from 'node:assert/strict'
import { join } from 'node:path'
import fc from 'fast-check'
import { hasCode } from '../../../src/base/errors.ts'
import { isDecryptError } from '../../../src/decrypt/errors.ts'
import { instanceKeyId } from '../../../src/decrypt/instance-key.ts'
import { readKeyBundle } from '../../../src/decrypt/key-bundle.ts'
import { canonicalJson } from '../../../src/envelope/canonical-json.ts'
import { openKeyBundle } from '../../../src/envelope/key-bundle.ts'
import { withPassphraseKey } from '../../../src/envelope/passphrase-seal.ts'
import { SMALL_KIND, sealSmall } from '../../../src/envelope/small-envelope.ts'
import { CHUNK_MARK } from '../../../src/server/backup/copy-rows.ts'
import { parseChunks, parseIndex, parseManifest, sha256 } from '../../../src/server/backup/manifest.ts'
import { rowsOf } from '../../../src/server/backup/read-backup.ts'
import { encodeValue, SEQUENCE_KEY } from '../../../src/storage/metadata/level-format.ts'
import { decodePairs, encodePairs, pairBytes, type StoredPair } from '../../../src/storage/metadata/stored-rows.ts'
import { scratchFile } from '../scratch-file.ts'
import { type FuzzTarget, refusals } from '../target.ts'

const DIGEST = 'ab'.repeat(32)
const MANIFEST = {
  ...{ format: 'coffer-backup-1', id: '20261122T201500Z-0123abcd', version: '0.2.0', missing: ['blobs/a'] },
  ...{ repositoryId: '11111111-1111-4111-8111-111111111111', takenAt: '2026-11-22T20:15:00.000Z' },
  ...{ instanceKeyId: '0'.repeat(32), signingKeyId: '0'.repeat(32), signature: 'AAAA' },
  stores: [{ name: 'metadata', sequence: 7, rows: 3, bytes: 100, chunks: DIGEST }],
  groups: [
    { path: '.', files: 1, bytes: 10, index: DIGEST },
    { path: 'blobs/0123456789abcdef/p', files: 1, bytes: 10, index: DIGEST },
    { path: 'classes/GLACIER/blobs/0123456789abcdef/f/00000000', files: 1, bytes: 10, index: DIGEST },
  ],
}
const INDEX = [
  [
    '0000001f',
    20,
    [
      [DIGEST, 12],
      [DIGEST, 8],
    ],
  ],
  ['instance-key.json', 0, []],
]
const CHUNKS = [[DIGEST, 32_768, 12]]
const text = (value: unknown): Buffer => Buffer.from(JSON.stringify(value))

const BASE = '/srv/restored'
const staysInside = (...names: readonly string[]): void =>
  assert.ok(join(BASE, ...names).startsWith(`${BASE}/`), 'a path leads out of the directory that is restored to')

/** What a backup says of itself: manifests, indexes and lists of chunks. */
export const backupManifestTarget: FuzzTarget = {
  name: 'backup-manifest',
  seeds: [text({ ...MANIFEST, later: [1, { a: 2 }] }), text(INDEX), text(CHUNKS)],
  inputs: fc
    .tuple(
      fc.constantFrom(
        '.',
        '..',
        'audit/..',
        'blobs/0123456789abcdef/f/../../..',
        '/etc',
        'classes/A/blobs\0',
        'audit\n',
      ),
      fc.constantFrom('passwd', '../00000000', '000', '0000000a\n', 'audit-0000000001.jsonl/', '.', ''),
      fc.boolean(),
    )
    .map(([path, name, isManifest]) =>
      isManifest
        ? text({ ...MANIFEST, groups: [{ path, files: 1, bytes: 1, index: DIGEST }] })
        : text([[name, 1, [[DIGEST, 1]]]]),
    ),
  words: ['"path":"', '"groups":[', '"stores":[', '../', '"format":"coffer-backup-2"', 'classes/'],
  mayThrow: refusals('BackupInvalid'),
  run: (input) => {
    const readers: readonly (() => void)[] = [
      () => {
        const { manifest } = parseManifest(input.toString('utf8'), 'it')
        for (const { path } of manifest.groups) staysInside(path === '.' ? 'file' : path)
      },
      () => {
        for (const [name] of parseIndex(input, 'it')) staysInside('blobs', name)
      },
      () => parseChunks(input, 'it'),
    ]
    const refused = readers.map((read) => {
      try {
        return void read()
      } catch (error) {
        if (!hasCode(error, 'BackupInvalid')) throw error
        return error
      }
    })
    if (refused.every((error) => error !== undefined)) throw refused[0]
  },
}

const ROWS: readonly StoredPair[] = [
  [Buffer.from('a'), Buffer.from('1')],
  [Buffer.from('b'), Buffer.alloc(300, 2)],
  [SEQUENCE_KEY, encodeValue(7, Buffer.alloc(16, 3))],
]
const chunkOf = (pairs: readonly StoredPair[]): Buffer => Buffer.concat([CHUNK_MARK, encodePairs(pairs)])

/** Rows of a store in a backup, under the digest that their list names. */
export const backupRowsTarget: FuzzTarget = {
  name: 'backup-rows',
  seeds: [chunkOf(ROWS), chunkOf([[SEQUENCE_KEY, encodeValue(0, Buffer.alloc(0))]])],
  inputs: fc
    .array(fc.tuple(fc.uint8Array({ maxLength: 9 }), fc.uint8Array({ maxLength: 40 })), { maxLength: 8 })
    .map((pairs) => {
      const rows: readonly StoredPair[] = pairs.map(([key, value]) => [Buffer.from(key), Buffer.from(value)])
      return chunkOf([...rows, ...ROWS.slice(2)])
    }),
  mayThrow: refusals('BackupInvalid', 'MetadataCorrupt'),
  run: async (input) => {
    const { pairs, rest } = decodePairs(input.subarray(CHUNK_MARK.length))
    assert.ok(Buffer.concat([encodePairs(pairs), rest]).equals(input.subarray(CHUNK_MARK.length)))
    const list = Buffer.from(JSON.stringify([[sha256(input), input.length, pairs.length]]))
    const read = async (digest: string): Promise<Buffer> => (digest === DIGEST ? list : input)
    const own = pairs.find(([key]) => key.equals(SEQUENCE_KEY))?.[1]
    const sequence = own && own.length >= 6 ? own.readUIntBE(0, 6) : 0
    const bytes = pairs.reduce((sum, pair) => sum + pairBytes(pair), 0)
    let last: Buffer | undefined
    for await (const page of rowsOf(
      { read },
      { name: 'metadata', sequence, rows: pairs.length, bytes, chunks: DIGEST },
    )) {
      for (const [key] of page) {
        assert.ok(last === undefined || last.compare(key) < 0, 'rows are not in order')
        last = key
      }
    }
  },
}

const PASSPHRASE = 'a passphrase of the fuzzers'
const KDF = {
  name: 'argon2id',
  memoryKiB: 19_456,
  passes: 1,
  parallelism: 1,
  salt: Buffer.alloc(16, 4).toString('base64'),
}
const INSTANCE_KEY = Buffer.alloc(32, 5)
const HEADER = { createdAt: '2026-11-22T20:15:00.000Z', instanceKeyId: instanceKeyId(INSTANCE_KEY) }
const derived = await withPassphraseKey(PASSPHRASE, { ...KDF, name: 'argon2id' }, (key) => Buffer.from(key))
const bundleOf = (plaintext: Uint8Array): Buffer => {
  const context = ['key-bundle', HEADER.instanceKeyId, HEADER.createdAt, canonicalJson(KDF)]
  const keyRef = Buffer.from(HEADER.instanceKeyId, 'hex')
  const sealed = sealSmall({ kind: SMALL_KIND.keySealing, key: derived, context, keyRef }, Buffer.from(plaintext))
  return text({ format: 'coffer-keys-1', ...HEADER, kdf: KDF, sealed: sealed.toString('base64') })
}
const CONTENT = Buffer.concat([Buffer.from('CKB1'), INSTANCE_KEY, encodePairs(ROWS)])

/** Each try of a passphrase costs what it was meant to cost: what asks for more is left to the bounds of its readers. */
function isCheap(input: Buffer): boolean {
  try {
    const { kdf } = JSON.parse(input.toString('utf8'))
    return ['memoryKiB', 'passes', 'parallelism'].every(
      (name) => typeof kdf[name] !== 'number' || kdf[name] <= Reflect.get(KDF, name) || kdf[name] > 2 ** 23,
    )
  } catch {
    return true
  }
}

/** Key bundles, by both of their readers. */
export const keyBundleTarget: FuzzTarget = {
  name: 'key-bundle',
  seeds: [bundleOf(CONTENT)],
  inputs: fc.uint8Array({ maxLength: 60 }).map((bytes) => bundleOf(Buffer.concat([Buffer.from('CKB1'), bytes]))),
  words: ['"kdf":{', '"sealed":"', '"salt":"', '"instanceKeyId":"', 'coffer-keys-2'],
  mayThrow: refusals('KeyBundleInvalid', 'KeyBundleWrong'),
  run: async (input) => {
    if (!isCheap(input)) return
    try {
      readKeyBundle(scratchFile(input), PASSPHRASE)
    } catch (error) {
      if (!isDecryptError(error, 'Damaged', 'KeyWrong')) throw error
    }
    const { rows } = await openKeyBundle(input.toString('utf8'), PASSPHRASE)
    decodePairs(rows)
  },
}
