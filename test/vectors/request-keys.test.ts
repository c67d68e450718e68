import { hash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { keyedEtag, openWithCustomerKey, withCustomerKey } from '../../src/envelope/customer-key.ts'
import { encryptionContextDigest } from '../../src/envelope/encryption-context.ts'
import { sealLayers } from '../../src/envelope/layers.ts'
import { referencePart } from '../support/reference-envelope.ts'
import { chunksOf, collect, dekOf, pattern } from '../unit/envelope/fixtures.ts'

// The frozen bytes of docs/envelope-format.md, sections 3 and 8. A change that makes one of these fail makes stored data unreadable.

const text = z.string()
const hex = z.string().transform((value) => Buffer.from(value, 'hex'))
const vectorsOf = async <Vector>(file: string, vector: z.ZodType<Vector>): Promise<Vector[]> => {
  const json: unknown = JSON.parse(await readFile(new URL(`envelope/${file}`, import.meta.url), 'utf8'))
  return z.strictObject({ about: text, vectors: z.array(vector).min(1) }).parse(json).vectors
}
const place = { bucketId: text, key: text, blobId: hex }
const customerKeys = await vectorsOf(
  'customer-keys.json',
  z.strictObject({
    name: text,
    secret: text,
    customerKey: hex,
    ...place,
    dek: text,
    check: text,
    md5: hex,
    etag: text,
  }),
)
const contexts = await vectorsOf(
  'encryption-contexts.json',
  z.strictObject({ name: text, context: z.record(text, text), canonical: text, digest: text }),
)
const layers = await vectorsOf(
  'layers.json',
  z.strictObject({
    ...{ name: text, dek: text, outer: text, ...place, partNumber: z.int(), partSalt: hex },
    plaintext: z.strictObject({ seed: text, length: z.int() }),
    ...{ innerSha256: text, storedLength: z.int(), storedSha256: text, stored: text.optional() },
  }),
)

describe("vectors: DEKs that need their customer's key", () => {
  it.each(customerKeys)('$name', ({ secret, customerKey, dek, check, md5, etag, ...at }) => {
    const made = withCustomerKey(dekOf(secret), customerKey, at)
    expect([made.dek.bytes.toString('hex'), made.check.toString('hex')]).toEqual([dek, check])
    expect(keyedEtag(made.dek, md5).toString('hex')).toBe(etag)
    const open = (key: Buffer, identity = at) => openWithCustomerKey(dekOf(secret), key, identity, made.check)
    expect(open(customerKey)?.bytes.toString('hex')).toBe(dek)
    const other = Buffer.from(customerKey.map((byte) => byte ^ 1))
    expect(open(other)).toBeUndefined()
    expect(open(customerKey, { ...at, key: `${at.key}x` })).toBeUndefined()
    expect(open(customerKey, { ...at, blobId: Buffer.alloc(16) })).toBeUndefined()
  })
})

describe('vectors: encryption contexts', () => {
  it.each(contexts)('$name', ({ context, canonical, digest }) => {
    expect(hash('sha256', `OEF1/ec\0${canonical}`, 'base64url')).toBe(digest)
    expect(encryptionContextDigest(context)).toBe(digest)
  })
})

describe('vectors: parts in two layers', () => {
  it.each(layers)('$name', async ({ dek, outer, partSalt, plaintext: { seed, length }, ...vector }) => {
    const plaintext = pattern(length, seed)
    const { bucketId, key, blobId, partNumber } = vector
    const identity = { bucketId, key, blobId, partNumber }
    const inner = referencePart({ dek: Buffer.from(dek, 'hex'), ...identity, partSalt }, plaintext)
    expect(hash('sha256', inner)).toBe(vector.innerSha256)
    const sealer = () => sealLayers({ dek: dekOf(dek), outer: dekOf(outer) }, identity, partSalt)
    const stored = Buffer.concat(sealer().bytes([plaintext]))
    expect(hash('sha256', stored)).toBe(vector.storedSha256)
    expect(stored.length).toBe(vector.storedLength)
    expect(sealer().storedLength(length)).toBe(vector.storedLength)
    expect((await collect(sealer().stream(chunksOf(plaintext, 10_007)))).equals(stored)).toBe(true)
    if (vector.stored !== undefined) expect(stored.toString('hex')).toBe(vector.stored)
  })
})
