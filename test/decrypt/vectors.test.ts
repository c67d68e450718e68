import { createHash, hkdfSync } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { readBucket } from '../../src/decrypt/buckets.ts'
import { hkdf, sha256 } from '../../src/decrypt/ciphers.ts'
import { withCustomerKey } from '../../src/decrypt/content.ts'
import { deriveUse, type InstanceKeyUse, openInstanceKey } from '../../src/decrypt/instance-key.ts'
import { canonicalJson } from '../../src/decrypt/json.ts'
import { openManifestJson } from '../../src/decrypt/manifest.ts'
import { rootKeys, unwrapUnderBucketKey } from '../../src/decrypt/root-keys.ts'
import type { Rows } from '../../src/decrypt/rows.ts'
import { readRecord, recordCipher, SECTIONS } from '../../src/decrypt/sealed-record.ts'
import { openSmall } from '../../src/decrypt/small-envelope.ts'
import { openPart, storedLength } from '../../src/decrypt/stored-part.ts'
import { edited, edits } from '../support/edited-vector.ts'
import { referencePart } from '../support/reference-envelope.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { codeOf, pattern } from '../unit/envelope/fixtures.ts'

// The stand-alone decryptor takes and refuses what the vectors say, as the server does (test/vectors/*.test.ts).

const text = z.string()
const hex = z.string().transform((value) => Buffer.from(value, 'hex'))
const load = async (file: string): Promise<unknown> =>
  JSON.parse(await readFile(new URL(`../vectors/${file}`, import.meta.url), 'utf8'))
const vectorsOf = async <Vector>(file: string, vector: z.ZodType<Vector>): Promise<Vector[]> =>
  z.object({ vectors: z.array(vector).min(1) }).parse(await load(file)).vectors

const place = { bucketId: text, key: text, blobId: hex, partNumber: z.int(), partSalt: hex }
const plaintext = z.object({ seed: text, length: z.int() })
const parts = await vectorsOf(
  'envelope/parts.json',
  z.object({ name: text, dek: hex, ...place, plaintext, storedSha256: text }),
)
const badParts = await vectorsOf(
  'envelope/parts-malformed.json',
  z.object({
    ...{ name: text, of: text, edits },
    opening: z
      .object({ dek: hex, ...place, plainLength: z.int() })
      .partial()
      .default({}),
  }),
)
const small = { kind: z.int(), key: hex, context: z.array(text) }
const smalls = await vectorsOf(
  'envelope/small.json',
  z.object({ name: text, ...small, keyRef: hex, plaintext: hex, sealed: hex }),
)
const badSmalls = await vectorsOf(
  'envelope/small-malformed.json',
  z.object({ name: text, of: text, edits, opening: z.object(small).partial().default({}) }),
)
const manifests = await vectorsOf(
  'envelope/manifests.json',
  z.object({ name: text, dek: hex, bucketId: text, key: text, versionId: text, blobId: hex, json: text, sealed: hex }),
)
const sealedRecords = await vectorsOf(
  'envelope/records.json',
  z.object({
    name: text,
    root: hex,
    label: text,
    epoch: z.int(),
    epochSalt: hex,
    aad: hex,
    plaintext: hex,
    sealed: hex,
  }),
)
const bucketKey = { name: text, keyId: text, key: hex, context: z.array(text), wrapped: hex }
const bucketKeys = await vectorsOf('envelope/bucket-keys.json', z.object({ ...bucketKey, dek: hex }))
const badBucketKeys = await vectorsOf('envelope/bucket-keys-malformed.json', z.object(bucketKey))
const customerKeys = await vectorsOf(
  'envelope/customer-keys.json',
  z.object({
    name: text,
    secret: hex,
    customerKey: hex,
    bucketId: text,
    key: text,
    blobId: hex,
    dek: text,
    check: text,
    md5: hex,
    etag: text,
  }),
)
const contexts = await vectorsOf(
  'envelope/encryption-contexts.json',
  z.object({ name: text, context: z.record(text, text), canonical: text, digest: text }),
)
const layers = await vectorsOf(
  'envelope/layers.json',
  z.object({ name: text, dek: hex, outer: hex, ...place, plaintext, storedLength: z.int(), storedSha256: text }),
)
const records = await vectorsOf('records/records.json', z.object({ name: text, kind: text, encoded: hex }))
const tolerated = await vectorsOf('records/records-tolerated.json', z.object({ name: text, of: text, encoded: hex }))
const badRecords = await vectorsOf('records/records-malformed.json', z.object({ name: text, kind: text, encoded: hex }))

const sourceOf = (bytes: Buffer) => ({
  length: bytes.length,
  read: (at: number, length: number) => bytes.subarray(at, at + length),
})
const pieceOf = (source: { readonly length: number; readonly read: (at: number, length: number) => Buffer }) =>
  source.read(0, source.length)
const named = <Vector extends { readonly name: string }>(all: readonly Vector[], name: string): Vector => {
  const found = all.find((vector) => vector.name === name)
  if (!found) throw new Error(`no vector is named ${name}`)
  return found
}
/** The bytes of a vector that only has their digest, by the reference that made the vectors. */
function storedOf(vector: (typeof parts)[number]): Buffer {
  const bytes = pattern(vector.plaintext.length, vector.plaintext.seed)
  const all = [16, 14, 20].map((segmentLog2) => referencePart({ ...vector, segmentLog2 }, bytes))
  const found = all.find((one) => sha256(one).toString('hex') === vector.storedSha256)
  if (!found) throw new Error(`the reference does not make ${vector.name}`)
  return found
}
/** `changes` has members that are undefined by its type, though none by its making. */
const merged = <Base extends object>(
  base: Base,
  changes: { readonly [Name in keyof Base]?: Base[Name] | undefined },
): Base => Object.assign({}, base, changes)
const sectionsOf = (kind: string): keyof typeof SECTIONS => {
  const name = kind === 'version' ? 'object' : kind
  const found = Object.keys(SECTIONS).find((known): known is keyof typeof SECTIONS => known === name)
  if (!found) throw new Error(`no record is of kind ${kind}`)
  return found
}

describe('coffer decrypt opens', () => {
  it.each(parts)('part: $name', (vector) => {
    const { dek, partSalt, plaintext: of } = vector
    const opened = openPart(dek, vector, partSalt, of.length, sourceOf(storedOf(vector)))
    expect(pieceOf(opened).equals(pattern(of.length, of.seed))).toBe(true)
  })

  it.each(smalls)('small envelope: $name', ({ keyRef: reference, sealed, plaintext: expected, ...opening }) => {
    expect(openSmall({ ...opening, reference }, sealed, 'it').equals(expected)).toBe(true)
  })

  it.each(manifests)('manifest: $name', ({ dek, sealed, json, ...at }) => {
    expect(openManifestJson(dek, at, sealed)).toEqual(JSON.parse(json))
    expect(canonicalJson(JSON.parse(json))).toBe(json)
  })

  it.each(sealedRecords)(
    'sealed record: $name',
    ({ root, label, epoch, epochSalt, aad, sealed, plaintext: expected }) => {
      const cipher = recordCipher(root, label, (asked) => (asked === epoch ? epochSalt : undefined))
      expect(cipher.open(aad, sealed, 'it').equals(expected)).toBe(true)
      const changed = edited(sealed, [{ xor: Buffer.of(1), at: sealed.length - 1 }])
      expect(codeOf(() => cipher.open(aad, changed, 'it'))).toBe('Forged')
    },
  )

  it.each(bucketKeys)('under a bucket key: $name', ({ keyId: id, key, context, wrapped, dek }) => {
    expect(unwrapUnderBucketKey({ id, key }, wrapped, context).equals(dek)).toBe(true)
  })

  it.each(customerKeys)('with a key of a customer: $name', ({ secret, customerKey, dek, check, md5, etag, ...at }) => {
    const made = withCustomerKey(secret, customerKey, at)
    expect([made.dek.toString('hex'), made.check.toString('hex')]).toEqual([dek, check])
    expect(hkdf(made.dek, md5, 'OEF1/etg\0').toString('hex', 0, 16)).toBe(etag)
  })

  it.each(contexts)('encryption context: $name', ({ context, canonical, digest }) => {
    expect(canonicalJson(context)).toBe(canonical)
    expect(sha256(Buffer.from(`OEF1/ec\0${canonical}`)).toString('base64url')).toBe(digest)
  })

  it.each(layers)('two layers: $name', ({ dek, outer, partSalt, plaintext: of, ...vector }) => {
    const bytes = pattern(of.length, of.seed)
    const inner = referencePart({ ...vector, dek, partSalt }, bytes)
    const stored = referencePart({ ...vector, dek: outer, partSalt }, inner)
    expect(sha256(stored).toString('hex')).toBe(vector.storedSha256)
    expect(stored).toHaveLength(vector.storedLength)
    const opened = openPart(outer, vector, partSalt, storedLength(of.length, 65_536), sourceOf(stored))
    expect(pieceOf(openPart(dek, vector, partSalt, of.length, opened)).equals(bytes)).toBe(true)
  })

  it.each(records)('record: $name', ({ kind, encoded }) => {
    const { head, sections } = readRecord(encoded, sectionsOf(kind), 'it')
    expect(Object.keys(head).length).toBeGreaterThan(0)
    const lengths = sections.reduce((sum, { length }) => sum + 4 + length, 5)
    expect(encoded).toHaveLength(lengths + Buffer.byteLength(JSON.stringify(head)))
  })

  it.each(tolerated)('record: $name', ({ of, encoded }) => {
    const { kind, encoded: known } = named(records, of)
    const base = readRecord(known, sectionsOf(kind), 'it')
    const { head, sections } = readRecord(encoded, sectionsOf(kind), 'it')
    expect(head).toMatchObject(Object(base.head))
    expect(sections.slice(0, base.sections.length)).toEqual(base.sections)
  })

  it.each(['file', 'passphrase'] as const)('instance key: %s', async (method) => {
    const vector = z
      .object({
        key: hex,
        passphrase: text,
        uses: z.record(text, text),
        sealFiles: z.object({ file: z.json(), passphrase: z.json() }),
      })
      .parse(await load('envelope/instance-key.json'))
    await using home = await temporaryDirectory()
    await mkdir(home.join('data'))
    await writeFile(home.join('data', 'instance-key.json'), JSON.stringify(vector.sealFiles[method]))
    await writeFile(home.join('key'), vector.key.toString('base64url'))
    const source =
      method === 'file' ? { keyFile: home.join('key') } : { passphrase: vector.passphrase.normalize('NFD') }
    const key = openInstanceKey(home.join('data'), source)
    const uses: InstanceKeyUse[] = ['kms', 'iam', 'token', 'records', 'audit']
    expect(Object.fromEntries(uses.map((use) => [use, deriveUse(key, use).toString('hex')]))).toEqual(vector.uses)
    const other = method === 'file' ? { keyFile: home.join('other') } : { passphrase: 'another passphrase' }
    await writeFile(home.join('other'), createHash('sha256').update('other').digest())
    expect(codeOf(() => openInstanceKey(home.join('data'), other))).toBe('KeyWrong')
  })
})

describe('coffer decrypt refuses', () => {
  it.each(badParts)('part: $name', ({ of, edits: changes, opening }) => {
    const base = named(parts, of)
    const at = merged(base, opening)
    const stored = edited(storedOf(base), changes)
    const length = opening.plainLength ?? base.plaintext.length
    expect(codeOf(() => pieceOf(openPart(at.dek, at, at.partSalt, length, sourceOf(stored))))).toBe('Forged')
  })

  it.each(badSmalls)('small envelope: $name', ({ of, edits: changes, opening }) => {
    const { kind, key, context, sealed } = named(smalls, of)
    expect(codeOf(() => openSmall(merged({ kind, key, context }, opening), edited(sealed, changes), 'it'))).toBe(
      'Forged',
    )
  })

  it.each(badBucketKeys)('under a bucket key: $name', ({ keyId: id, key, context, wrapped }) => {
    expect(codeOf(() => unwrapUnderBucketKey({ id, key }, wrapped, context))).toBe('Forged')
  })

  it.each(badRecords)('record: $name', ({ kind, encoded }) => {
    const noRows: Rows = {
      get: () => undefined,
      startingWith: function* () {},
      salts: () => undefined,
      warnings: [],
      close: () => {},
    }
    const keys = rootKeys({ materials: [], unwrapped: new Map() })
    const read = () =>
      kind === 'bucket' ? readBucket('it', encoded, noRows, keys) : readRecord(encoded, sectionsOf(kind), 'it')
    expect(codeOf(read)).toBe('Damaged')
  })

  it('derives as RFC 5869 says', () => {
    expect(hkdf(Buffer.alloc(32, 1), Buffer.alloc(0), 'x')).toEqual(
      Buffer.from(hkdfSync('sha256', Buffer.alloc(32, 1), Buffer.alloc(0), 'x', 32)),
    )
  })
})
