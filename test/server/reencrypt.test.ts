import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { hashOf } from '../../src/base/checksums.ts'
import { type AllKinds, allKinds, type Stored, storedIn } from '../support/all-kinds.ts'
import { type KeyOwner, keyOwner } from '../support/keys.ts'
import { type ObjectHouse, startObjectHouse } from '../support/object-house.ts'
import { type TemporaryDirectory, temporaryDirectory } from '../support/temporary-directory.ts'
import { topology } from '../support/topology.ts'
import { verified } from '../support/verified.ts'

describe.skipIf(topology.split)('re-encrypting a bucket as it moves under another root key', () => {
  let home: TemporaryDirectory
  let kinds: AllKinds
  let test: ObjectHouse
  let keys: KeyOwner
  let rootKey: { readonly crn: string; readonly id: string }
  const jobs = new Map<string, { readonly reencrypts: { readonly versions: number; readonly bytes: number } }>()
  let blobs: { readonly before: ReadonlySet<string>; readonly after: readonly string[] }

  beforeAll(async () => {
    home = await temporaryDirectory()
    kinds = await allKinds(home.path)
    const settings = { COFFER_STORAGE_CLASSES: `STANDARD_IA=${home.join('slow')}` }
    test = await startObjectHouse({ directory: home.path, settings, isFilled: true })
    keys = await keyOwner(test.controlUrl)
    rootKey = await keys.newKey('fresh')
    const before = new Set(await test.blobs())
    for (const bucket of ['customer-managed', 'objects', 'versions']) {
      const to = { encryption: 'customer-managed', rootKeyCrn: rootKey.crn, reencrypt: true }
      const { status, json } = await keys.call('PUT', `/admin/v1/buckets/${bucket}/encryption`, to)
      expect([status, json.job?.reencrypts]).toEqual([202, { versions: 0, bytes: 0, damaged: 0 }])
    }
    await vi.waitFor(
      async () => {
        const { json } = await keys.call('GET', '/admin/v1/jobs')
        for (const job of json.jobs) jobs.set(job.bucket, job)
        expect(json.jobs.map(({ state, problem }: { state: string; problem?: string }) => [state, problem])).toEqual(
          json.jobs.map(() => ['done', undefined]),
        )
      },
      { timeout: 60_000, interval: 200 },
    )
    blobs = { before, after: await test.blobs() }
  })
  afterAll(async () => {
    await test?.[Symbol.asyncDispose]()
    await home?.[Symbol.asyncDispose]()
  })

  it('changes nothing that a client sees of any kind of object', async () => {
    const told = (stored: readonly Stored[]) =>
      stored.map((one) => ({ ...one, bytes: hashOf('sha256', one.bytes).toString('hex') }))
    expect(told(await storedIn(test))).toEqual(told(kinds.stored))
  })

  it('seals everything anew but what lies under keys of its own or of a customer', () => {
    const isKept = (key: string) => /^(sse-c|aws:kms|two layers)/.test(key)
    for (const bucket of ['customer-managed', 'objects', 'versions']) {
      const due = kinds.stored.filter((one) => one.bucket === bucket && !isKept(one.key))
      const bytes = due.reduce((sum, one) => sum + one.bytes.length, 0)
      expect([bucket, jobs.get(bucket)?.reencrypts]).toEqual([bucket, { versions: due.length, bytes, damaged: 0 }])
    }
    const kept = blobs.after.filter((id) => blobs.before.has(id))
    // One for each of those that stay, two for the one in parts; and the part of the upload that is under way.
    const staying = kinds.stored.filter(({ key }) => isKept(key)).length
    expect(kept.length).toBe(staying + 1 + 1)
  })

  it('is told of by the audit log, as what the store itself did with each object', async () => {
    const query = new URLSearchParams({ bucket: 'objects', object: 'large', did: 'store.reencrypt' })
    await vi.waitFor(
      async () => {
        const { json } = await keys.call('GET', `/admin/v1/activity?${query}`)
        const uses = json.entries.map(({ use, key, said }: { use: string; key: string; said: { did: string } }) => [
          use,
          key === rootKey.crn,
          said.did,
        ])
        expect(uses).toContainEqual(['wrap', true, 're-encrypted'])
        expect(uses).toContainEqual(['unwrap', false, 're-encrypted'])
      },
      { timeout: 20_000, interval: 100 },
    )
  })

  it('leaves nothing under the former keys, counts right and a directory without damage', async () => {
    const { json } = await keys.call('GET', `/admin/v1/keys/usage?crn=${encodeURIComponent(rootKey.crn)}`)
    expect(json.buckets.map(({ name }: { name: string }) => name).sort()).toEqual([
      'customer-managed',
      'objects',
      'versions',
    ])
    expect((await test.house.objects.recount()).differences).toEqual([])
    await test.stop()
    expect(await verified(home.join('data'), `--storage-classes=STANDARD_IA=${home.join('slow')}`)).toMatchObject({
      status: 0,
      findings: [],
    })
  })
})
