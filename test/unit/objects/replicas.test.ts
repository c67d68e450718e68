import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Bucket } from '../../../src/objects/buckets.ts'
import type { Objects } from '../../../src/objects/objects.ts'
import { bodyOf, plain, readAll, testEngine } from '../../support/engine.ts'

interface Version {
  readonly versionId: string
  readonly modifiedAtMs: number
  readonly marker: boolean
  readonly text: string
}

async function shape(objects: Objects, bucket: Bucket) {
  const query = { bucket, prefix: '', delimiter: '', keyMarker: '', versionIdMarker: '', limit: 1000 }
  const { items } = await objects.listVersions(query)
  return items.map(({ versionId, isLatest, deleteMarker, sizeBytes, modifiedAtMs }) => ({
    ...{ versionId, isLatest, deleteMarker, sizeBytes, modifiedAtMs },
  }))
}

async function twoStores() {
  const source = await testEngine()
  const there = await testEngine()
  const from = await source.objects.setVersioning(await source.makeBucket(), 'Enabled')
  const to = await there.objects.setVersioning(await there.makeBucket(), 'Enabled')
  return { source, there, from, to }
}

describe('Replicas', () => {
  it('make the same history whatever the order they come in, and however often', async () => {
    const one = fc.record({ marker: fc.boolean(), gapMs: fc.nat(2), first: fc.nat(), again: fc.nat() })
    const property = fc.asyncProperty(fc.array(one, { minLength: 1, maxLength: 7 }), async (made) => {
      const { source, there, from, to } = await twoStores()
      const history: Version[] = []
      for (const { marker, gapMs } of made) {
        source.time.nowMs += gapMs
        const text = String(history.length)
        const of = { bucket: from, key: 'key' }
        const { versionId = '' } = marker
          ? await source.objects.delete({ ...of, conditions: {} })
          : await source.objects.put({ ...of, ...plain, body: bodyOf(text) })
        history.push({ versionId, modifiedAtMs: source.time.nowMs, marker, text })
      }
      const arriving = made
        .flatMap(({ first, again }, index) => [first, again].map((rank) => ({ rank, version: history[index] })))
        .sort((a, b) => a.rank - b.rank)
      for (const { version } of arriving) {
        if (!version) throw new Error('no version')
        const { marker, text, ...replica } = version
        const of = { bucket: to, key: 'key', replica }
        if (marker) await there.objects.delete({ ...of, conditions: {} })
        else expect(await there.objects.put({ ...of, ...plain, body: bodyOf(text) })).toMatchObject(replica)
      }
      expect(await shape(there.objects, to)).toEqual(await shape(source.objects, from))
      if (history.at(-1)?.marker === false) {
        expect(await readAll(there.objects, to, 'key')).toBe(String(history.length - 1))
      }
      expect(await there.objects.recount()).toMatchObject({ differences: [] })
      expect(await there.objects.versionTotals(to)).toEqual(await source.objects.versionTotals(from))
      // What is written there afterwards is the current one.
      const { versionId } = await there.objects.put({ bucket: to, key: 'key', ...plain, body: bodyOf('own') })
      expect((await shape(there.objects, to))[0]).toMatchObject({ versionId, isLatest: true })
      await source.objects.close()
      await there.objects.close()
    })
    await fc.assert(property, { numRuns: 25 })
  })

  it('come among the versions that are there already, and beside the null version', async () => {
    const there = await testEngine()
    const plainBucket = await there.makeBucket()
    await there.objects.put({ bucket: plainBucket, key: 'key', ...plain, body: bodyOf('null') })
    const to = await there.objects.setVersioning(plainBucket, 'Enabled')
    const idAt = (ms: number) => {
      const id = Buffer.alloc(16, 7)
      id.writeBigUInt64BE(BigInt(ms) << 20n)
      return id.toString('base64url')
    }
    const put = async (ms: number) => {
      const replica = { versionId: idAt(ms), modifiedAtMs: ms }
      await there.objects.put({ bucket: to, key: 'key', ...plain, body: bodyOf(`at ${ms}`), replica })
      return replica.versionId
    }
    const now = there.time.nowMs
    const newest = await put(now)
    const own = await there.objects.put({ bucket: to, key: 'key', ...plain, body: bodyOf('own') })
    const middle = await put(now - 5000)
    const ids = (await shape(there.objects, to)).map(({ versionId }) => versionId)
    expect(ids[0]).toBe(own.versionId)
    expect([...ids].sort()).toEqual([own.versionId, newest, middle, 'null'].sort())
    expect(await readAll(there.objects, to, 'key')).toBe('own')
    await there.objects.delete({ bucket: to, key: 'key', versionId: own.versionId, conditions: {} })
    expect(await readAll(there.objects, to, 'key')).toBe(`at ${now}`)
    expect(await there.objects.recount()).toMatchObject({ differences: [] })
    await there.objects.close()
  })

  it('leave one version where the same one is completed twice, and no upload', async () => {
    const { source, there, to } = await twoStores()
    const replica = { versionId: Buffer.alloc(16, 1).toString('base64url'), modifiedAtMs: 1000 }
    const target = { bucket: to, key: 'key' }
    for (let n = 0; n < 2; n++) {
      const { uploadId } = await there.objects.createUpload({ ...target, attributes: plain.attributes })
      const upload = await there.objects.findUpload({ ...target, uploadId })
      const { etag } = await there.objects.uploadPart(upload, 1, bodyOf('part'))
      const done = { ...target, uploadId, parts: [{ number: 1, etag }], conditions: {}, replica }
      expect((await there.objects.completeUpload(done)).versionId).toBe(replica.versionId)
    }
    expect(await shape(there.objects, to)).toHaveLength(1)
    const uploads = { bucket: to, prefix: '', delimiter: '', keyMarker: '', uploadIdMarker: '', limit: 10 }
    expect((await there.objects.listUploads(uploads)).items).toEqual([])
    expect(await there.objects.recount()).toMatchObject({ differences: [] })
    await source.objects.close()
    await there.objects.close()
  })
})
