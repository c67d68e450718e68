import { hash } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { openInstanceKey } from '../../src/envelope/instance-key.ts'
import { openManifest, sealManifest } from '../../src/envelope/manifest.ts'
import { recordCipher } from '../../src/envelope/record-cipher.ts'
import { contextDigest, openPart, sealPart } from '../../src/envelope/seal.ts'
import { openSmall, SMALL_KIND, sealSmall } from '../../src/envelope/small-envelope.ts'
import { edited, edits } from '../support/edited-vector.ts'
import { referencePart } from '../support/reference-envelope.ts'
import { chunksOf, codeOf, collect, dekOf, pattern } from '../unit/envelope/fixtures.ts'

// The frozen bytes of docs/envelope-format.md. A change that makes one of these fail makes stored data unreadable.

const text = z.string()
const hex = z.string().transform((value) => Buffer.from(value, 'hex'))
const kind = z.literal(Object.values(SMALL_KIND))

const part = {
  dek: text,
  bucketId: text,
  key: text,
  blobId: hex,
  partNumber: z.int(),
  partSalt: hex,
}
const validPart = z.strictObject({
  name: text,
  ...part,
  plaintext: z.strictObject({ seed: text, length: z.int() }),
  contextDigest: text,
  partKey: text,
  commitment: text,
  storedLength: z.int(),
  storedSha256: text,
  stored: text.optional(),
})
const malformed = { name: text, of: text, code: text, edits }
const malformedPart = z.strictObject({
  ...malformed,
  opening: z
    .strictObject({ ...part, plainLength: z.int() })
    .partial()
    .default({}),
})
const small = { kind, key: hex, context: z.array(text) }
const validSmall = z.strictObject({ name: text, ...small, keyRef: hex, salt: hex, plaintext: hex, sealed: hex })
const malformedSmall = z.strictObject({ ...malformed, opening: z.strictObject(small).partial().default({}) })
const manifest = z.strictObject({
  name: text,
  dek: text,
  bucketId: text,
  key: text,
  versionId: text,
  blobId: hex,
  salt: hex,
  manifestKey: text,
  json: text,
  sealed: hex,
})
const record = z.strictObject({
  name: text,
  root: hex,
  label: text,
  epoch: z.int(),
  epochSalt: hex,
  counter: z.int(),
  aad: hex,
  plaintext: hex,
  sealed: hex,
})
const instanceKey = z.strictObject({
  about: text,
  key: hex,
  id: text,
  uses: z.strictObject({ kms: text, iam: text, token: text, records: text, audit: text }),
  passphrase: text,
  sealFiles: z.strictObject({ file: z.json(), passphrase: z.json() }),
})

const load = async (file: string): Promise<unknown> =>
  JSON.parse(await readFile(new URL(`envelope/${file}`, import.meta.url), 'utf8'))
const vectorsOf = async <Vector>(file: string, vector: z.ZodType<Vector>): Promise<Vector[]> =>
  z.strictObject({ about: text, vectors: z.array(vector).min(1) }).parse(await load(file)).vectors

const parts = await vectorsOf('parts.json', validPart)
const malformedParts = await vectorsOf('parts-malformed.json', malformedPart)
const smalls = await vectorsOf('small.json', validSmall)
const malformedSmalls = await vectorsOf('small-malformed.json', malformedSmall)
const manifests = await vectorsOf('manifests.json', manifest)
const records = await vectorsOf('records.json', record)
const instance = instanceKey.parse(await load('instance-key.json'))

const plaintextOf = (vector: z.infer<typeof validPart>) => pattern(vector.plaintext.length, vector.plaintext.seed)

/** The stored bytes: of the product for the segment size that it writes, else of the reference. */
function storedOf(vector: z.infer<typeof validPart>): Buffer {
  const dek = dekOf(vector.dek)
  const bytes = Buffer.concat(sealPart(dek, vector, vector.partSalt).bytes([plaintextOf(vector)]))
  if (hash('sha256', bytes) === vector.storedSha256) return bytes
  const logs = [14, 20].map((segmentLog2) =>
    referencePart({ ...vector, dek: dek.bytes, segmentLog2 }, plaintextOf(vector)),
  )
  return logs.find((other) => hash('sha256', other) === vector.storedSha256) ?? bytes
}

function named<Vector extends { name: string }>(vectors: readonly Vector[], name: string): Vector {
  const found = vectors.find((vector) => vector.name === name)
  if (found === undefined) throw new Error(`no vector is named ${name}`)
  return found
}

describe('vectors: parts', () => {
  it.each(parts)('$name', async (vector) => {
    const stored = storedOf(vector)
    const plaintext = plaintextOf(vector)
    expect(hash('sha256', stored)).toBe(vector.storedSha256)
    expect(stored.length).toBe(vector.storedLength)
    expect(stored.toString('hex', 48, 80)).toBe(vector.commitment)
    if (vector.stored !== undefined) expect(stored.toString('hex')).toBe(vector.stored)
    expect(contextDigest(vector.bucketId, vector.key).toString('hex')).toBe(vector.contextDigest)
    const range = { start: 0, end: plaintext.length }
    using opener = openPart(
      dekOf(vector.dek),
      vector,
      vector.partSalt,
      plaintext.length,
      stored.subarray(0, 80),
      stored.length,
    )
    const { start, end } = opener.ciphertextRange(range)
    expect([start, end]).toEqual([80, stored.length])
    expect(Buffer.concat(opener.bytes(range, stored.subarray(80))).equals(plaintext)).toBe(true)
    expect((await collect(opener.unseal(range, chunksOf(stored.subarray(80), 5_000)))).equals(plaintext)).toBe(true)
  })
})

describe('vectors: malformed parts', () => {
  it.each(malformedParts)('$name', async ({ of, code, edits, opening }) => {
    const base = named(parts, of)
    const as = {
      bucketId: opening.bucketId ?? base.bucketId,
      key: opening.key ?? base.key,
      blobId: opening.blobId ?? base.blobId,
      partNumber: opening.partNumber ?? base.partNumber,
    }
    const plainLength = opening.plainLength ?? base.plaintext.length
    const dek = dekOf(opening.dek ?? base.dek)
    const partSalt = opening.partSalt ?? base.partSalt
    const stored = edited(storedOf(base), edits)
    const open = () => openPart(dek, as, partSalt, plainLength, stored.subarray(0, 80), stored.length)
    const range = { start: 0, end: plainLength }
    expect(codeOf(() => open().bytes(range, stored.subarray(80)))).toBe(code)

    const released: Buffer[] = []
    const reading = async () => {
      for await (const piece of open().unseal(range, chunksOf(stored.subarray(80), 5_000))) released.push(piece)
    }
    await expect(reading()).rejects.toMatchObject({ code })
    const sent = Buffer.concat(released)
    expect(sent.equals(plaintextOf(base).subarray(0, sent.length))).toBe(true)
  })
})

describe('vectors: small envelopes', () => {
  it.each(smalls)('$name', (vector) => {
    expect(sealSmall(vector, vector.plaintext).toString('hex')).toBe(vector.sealed.toString('hex'))
    expect(openSmall(vector, vector.sealed).equals(vector.plaintext)).toBe(true)
  })
})

describe('vectors: malformed small envelopes', () => {
  it.each(malformedSmalls)('$name', ({ of, code, edits, opening }) => {
    const base = named(smalls, of)
    const { kind = base.kind, key = base.key, context = base.context } = opening
    const as = { kind, key, context }
    expect(codeOf(() => openSmall(as, edited(base.sealed, edits)))).toBe(code)
  })
})

describe('vectors: manifests', () => {
  it.each(manifests)('$name', (vector) => {
    const dek = dekOf(vector.dek)
    const value: unknown = JSON.parse(vector.json)
    expect(sealManifest(dek, vector, value, vector.salt).toString('hex')).toBe(vector.sealed.toString('hex'))
    expect(openManifest(dek, vector, vector.sealed)).toEqual(value)
  })
})

describe('vectors: records', () => {
  it.each(records)('$name', ({ root, label, epoch, epochSalt: salt, counter, aad, plaintext, sealed }) => {
    const nonces = { next: () => ({ epoch, salt, counter }), salt: () => salt }
    const cipher = recordCipher(root, nonces, label)
    expect(cipher.seal(aad, plaintext).toString('hex')).toBe(sealed.toString('hex'))
    expect(cipher.open(aad, sealed).equals(plaintext)).toBe(true)
  })
})

describe('vectors: instance key', () => {
  const opened = async (file: 'file' | 'passphrase', passphrase = instance.passphrase) => {
    const directory = await mkdtemp(join(tmpdir(), 'coffer-vectors-'))
    const [sealFile, keyFile] = [join(directory, 'seal.json'), join(directory, 'instance.key')]
    try {
      await writeFile(sealFile, JSON.stringify(instance.sealFiles[file]))
      await writeFile(keyFile, instance.key, { mode: 0o600 })
      const source = file === 'file' ? { keyFile } : { passphrase }
      return await openInstanceKey({ ...source, sealFile })
    } finally {
      await rm(directory, { recursive: true })
    }
  }

  it.each(['file', 'passphrase'] as const)('%s', async (file) => {
    using key = await opened(file)
    expect([key.id, key.origin, key.created]).toEqual([instance.id, file, false])
    for (const use of ['kms', 'iam', 'token', 'records', 'audit'] as const) {
      expect(key.derive(use).toString('hex')).toBe(instance.uses[use])
    }
  })

  it('a passphrase typed as other code points is the same', async () => {
    const decomposed = instance.passphrase.normalize('NFD')
    expect(decomposed).not.toBe(instance.passphrase)
    using key = await opened('passphrase', decomposed)
    expect(key.id).toBe(instance.id)
  })
})
