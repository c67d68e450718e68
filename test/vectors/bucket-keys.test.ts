import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { unwrapUnderBucketKey, wrapUnderBucketKey } from '../../src/envelope/bucket-key.ts'
import { dekFrom } from '../../src/envelope/dek.ts'
import { codeOf } from '../unit/envelope/fixtures.ts'

// The frozen bytes of docs/envelope-format.md, section 8. A change that makes one of these fail makes stored data unreadable.

const text = z.string()
const hex = z.string().transform((value) => Buffer.from(value, 'hex'))
const opening = { name: text, keyId: text, key: hex, context: z.array(text), wrapped: hex }

const vectorsOf = async <Vector>(file: string, vector: z.ZodType<Vector>): Promise<Vector[]> => {
  const json: unknown = JSON.parse(await readFile(new URL(`envelope/${file}`, import.meta.url), 'utf8'))
  return z.strictObject({ about: text, vectors: z.array(vector).min(1) }).parse(json).vectors
}
const valid = await vectorsOf('bucket-keys.json', z.strictObject({ ...opening, salt: hex, dek: hex }))
const malformed = await vectorsOf('bucket-keys-malformed.json', z.strictObject({ ...opening, code: text }))

const copy = (bytes: Buffer) => dekFrom(Buffer.alloc(bytes.length, bytes))

describe('vectors: keys under a bucket key', () => {
  it.each(valid)('$name', ({ keyId: id, key, context, salt, dek, wrapped }) => {
    const bucketKey = { id, key: copy(key) }
    expect(wrapUnderBucketKey(bucketKey, copy(dek), context, salt).toString('hex')).toBe(wrapped.toString('hex'))
    expect(unwrapUnderBucketKey(bucketKey, wrapped, context).bytes.equals(dek)).toBe(true)
  })

  it.each(malformed)('$name is refused', ({ keyId: id, key, context, wrapped, code }) => {
    expect(codeOf(() => unwrapUnderBucketKey({ id, key: copy(key) }, wrapped, context))).toBe(code)
  })
})
