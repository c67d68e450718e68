import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Bucket } from '../../../src/objects/buckets.ts'
import type { ListedPart } from '../../../src/objects/complete-upload.ts'
import type { Objects } from '../../../src/objects/objects.ts'
import {
  decodeSealedHeader,
  encodeSealedHeader,
  readSealedHeader,
  type SealedHeader,
  verifiedSealed,
} from '../../../src/objects/replication/sealed-format.ts'
import { bodyOf, plain, readAll, testEngine } from '../../support/engine.ts'

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length }).map((a) => Buffer.from(a))
const piece = fc.record({ lengthBytes: fc.integer({ min: 1, max: 5e9 }), sha256: bytes(32) })
const headers: fc.Arbitrary<SealedHeader> = fc.record({
  ...{ key: fc.string({ minLength: 1 }), versionId: fc.string(), sizeBytes: fc.nat() },
  manifest: piece,
  parts: fc.array(fc.record({ number: fc.nat(10_000) }).chain((of) => piece.map((one) => ({ ...of, ...one })))),
  dek: fc.record(
    {
      ...{ bucketId: fc.string(), blobId: bytes(16), rootKeyCrn: fc.string(), keyVersion: fc.string() },
      ...{ ciphertext: bytes(60), context: fc.string() },
      bucketKey: fc.record({ keyId: fc.string(), keyVersion: fc.string(), ciphertext: bytes(60) }),
    },
    { requiredKeys: ['bucketId', 'blobId', 'rootKeyCrn', 'keyVersion', 'ciphertext'] },
  ),
})

async function* inChunks(of: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < of.length; at += size) yield of.subarray(at, at + size)
}
async function collected(stream: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(Buffer.from(chunk))
  return Buffer.concat(chunks)
}
async function sealedOf(objects: Objects, bucket: Bucket, key: string) {
  using object = await objects.open({ bucket, key })
  const { lengthBytes, read } = await object.sealedReplica()
  const { versionId, modifiedAtMs, manifest } = object
  const replica = { versionId, modifiedAtMs, sealedSizeBytes: manifest.sizeBytes }
  return { replica, sealed: await collected(read({ start: 0, end: lengthBytes })) }
}

describe('The form of a sealed replica', () => {
  it('comes back as it was written, whatever it says', async () => {
    await fc.assert(
      fc.asyncProperty(headers, async (header) => {
        const encoded = encodeSealedHeader(header)
        expect(decodeSealedHeader(encoded)).toEqual({ header, bodyStart: encoded.length })
        expect(decodeSealedHeader(encoded.subarray(0, -1))).toBeUndefined()
        const read = ({ start, end }: { start: number; end: number }) => inChunks(encoded.subarray(start, end), 7)
        expect((await readSealedHeader(read, encoded.length)).header).toEqual(header)
      }),
      { numRuns: 50 },
    )
  })

  it('is refused with a clear error when it is something else', async () => {
    const refused = expect.objectContaining({ code: 'SealedReplicaInvalid' })
    const expected = { key: 'key', versionId: 'id', sizeBytes: 1 }
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), fc.boolean(), async (random, begins) => {
        const junk = Buffer.concat([Buffer.from(begins ? 'CSR1\0\0\0\x10' : ''), random])
        await expect(collected(verifiedSealed(inChunks(junk, 10), expected))).rejects.toEqual(refused)
      }),
      { numRuns: 50 },
    )
    for (const text of ['{}', '[]', 'null', '{"v":2}', '{"v":1,"key":1}', 'not JSON']) {
      const length = Buffer.alloc(4)
      length.writeUInt32BE(text.length)
      const wrong = Buffer.concat([Buffer.from('CSR1'), length, Buffer.from(text)])
      expect(() => decodeSealedHeader(wrong)).toThrow(expect.objectContaining({ code: 'SealedReplicaInvalid' }))
    }
  })
})

describe('A sealed replica', () => {
  it.each([false, true])(
    'opens again in another store under the same root key (bucket keys: %s)',
    async (bucketKey) => {
      const source = await testEngine()
      const there = await testEngine({ kms: source.kms })
      const from = await source.objects.setVersioning(await source.makeBucket(), 'Enabled')
      const { rootKeyCrn, serviceInstanceCrn } = from
      const same = { ...there.newBucket, rootKeyCrn, serviceInstanceCrn }
      const to = await there.objects.setVersioning(await there.objects.createBucket(same), 'Enabled')
      const other = await there.objects.setVersioning(
        await there.objects.createBucket({ ...same, name: 'other', rootKeyCrn: there.newBucket.rootKeyCrn }),
        'Enabled',
      )
      const text = 'x'.repeat(200_000)
      const attributes = { headers: { 'content-type': 'text/plain' }, userMetadata: { a: 'b' } } as const
      await source.objects.put({
        bucket: from,
        key: 'key',
        body: bodyOf(text),
        attributes,
        conditions: {},
        encrypting: { bucketKey },
      })
      const { replica, sealed } = await sealedOf(source.objects, from, 'key')
      expect(sealed.includes('xxxxxxxx')).toBe(false)
      for (const bucket of [to, other]) {
        const put = await there.objects.put({ bucket, key: 'key', ...plain, body: bodyOf(sealed), replica })
        expect([put.versionId, put.sizeBytes]).toEqual([replica.versionId, sealed.length])
      }
      expect(await readAll(there.objects, to, 'key')).toBe(text)
      using opened = await there.objects.open({ bucket: to, key: 'key' })
      expect(opened.manifest).toMatchObject({ ...attributes, sizeBytes: text.length })
      await expect(there.objects.open({ bucket: other, key: 'key' })).rejects.toMatchObject({ code: 'ReplicaSealed' })
      using asSealed = await there.objects.open({ bucket: other, key: 'key', asSealed: true })
      expect(await collected(asSealed.read({ start: 0, end: asSealed.manifest.sizeBytes }))).toEqual(sealed)
      await expect(source.objects.open({ bucket: from, key: 'key', asSealed: true })).rejects.toMatchObject({
        code: 'ReplicaRefused',
      })
      expect(await there.objects.bucketUsage(to)).toMatchObject({ objects: 1, bytes: text.length })
      expect(await there.objects.recount()).toMatchObject({ differences: [] })
      // Its own key is rewrapped like any other, and what it holds stays as it is.
      await there.kms.rotate(rootKeyCrn)
      await there.objects.rewraps.start(to)
      expect(await readAll(there.objects, to, 'key')).toBe(text)
      await source.objects.close()
      await there.objects.close()
    },
  )

  it('comes in parts, too', async () => {
    const source = await testEngine()
    const there = await testEngine({ kms: source.kms })
    const from = await source.objects.setVersioning(await source.makeBucket(), 'Enabled')
    const { rootKeyCrn, serviceInstanceCrn } = from
    const made = await there.objects.createBucket({ ...there.newBucket, rootKeyCrn, serviceInstanceCrn })
    const bucket = await there.objects.setVersioning(made, 'Enabled')
    const target = { bucket: from, key: 'key' }
    const { uploadId } = await source.objects.createUpload({ ...target, attributes: plain.attributes })
    const upload = await source.objects.findUpload({ ...target, uploadId })
    const parts: ListedPart[] = []
    for (const [index, text] of ['first ', 'second ', 'third'].entries()) {
      const { etag } = await source.objects.uploadPart(upload, index + 1, bodyOf(text))
      parts.push({ number: index + 1, etag })
    }
    await source.objects.completeUpload({ ...target, uploadId, parts, conditions: {} })
    const { replica, sealed } = await sealedOf(source.objects, from, 'key')
    const place = { bucket, key: 'key' }
    const begun = await there.objects.createUpload({ ...place, attributes: plain.attributes })
    const sent: ListedPart[] = []
    for (const [index, range] of [sealed.subarray(0, 500), sealed.subarray(500)].entries()) {
      const arriving = await there.objects.findUpload({ ...place, uploadId: begun.uploadId })
      const { etag } = await there.objects.uploadPart(arriving, index + 1, bodyOf(range))
      sent.push({ number: index + 1, etag })
    }
    await there.objects.completeUpload({ ...place, uploadId: begun.uploadId, parts: sent, conditions: {}, replica })
    expect(await readAll(there.objects, bucket, 'key')).toBe('first second third')
    using opened = await there.objects.open(place)
    expect(opened.manifest.parts).toHaveLength(3)
    expect(await there.objects.recount()).toMatchObject({ differences: [] })
    await source.objects.close()
    await there.objects.close()
  })

  it('that was made up opens nothing', async () => {
    const source = await testEngine()
    const from = await source.objects.setVersioning(await source.makeBucket(), 'Enabled')
    await source.objects.put({ bucket: from, key: 'key', ...plain, body: bodyOf('text') })
    const { replica, sealed } = await sealedOf(source.objects, from, 'key')
    const opened = decodeSealedHeader(sealed)
    if (!opened) throw new Error('no header')
    const { header, bodyStart } = opened
    const other = await source.objects.createBucket({ ...source.newBucket, name: 'other' })
    const to = await source.objects.setVersioning(other, 'Enabled')
    const forged: SealedHeader[] = [
      { ...header, dek: { ...header.dek, bucketId: other.id } },
      { ...header, dek: { ...header.dek, blobId: Buffer.alloc(16) } },
      { ...header, dek: { ...header.dek, ciphertext: Buffer.alloc(header.dek.ciphertext.length) } },
      { ...header, sizeBytes: 5 },
    ]
    for (const one of forged) {
      const body = Buffer.concat([encodeSealedHeader(one), sealed.subarray(bodyStart)])
      const versionId = Buffer.alloc(16, forged.indexOf(one) + 1).toString('base64url')
      const said = { ...one, versionId }
      const whole = Buffer.concat([encodeSealedHeader(said), body.subarray(encodeSealedHeader(one).length)])
      const named = { ...replica, versionId, sealedSizeBytes: one.sizeBytes }
      await source.objects.put({ bucket: to, key: 'key', ...plain, body: bodyOf(whole), replica: named })
      await expect(source.objects.open({ bucket: to, key: 'key', versionId })).rejects.toMatchObject({
        code: expect.stringMatching(/^(ObjectDamaged|WrappedDekForged)$/),
      })
    }
    await source.objects.close()
  })
})
