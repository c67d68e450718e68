import { describe, expect, it, vi } from 'vitest'
import type { DataKeyUse } from '../../../src/objects/data-key-audit.ts'
import type { Finding } from '../../../src/objects/verify/finding.ts'
import { bodyOf, plain, testEngine } from '../../support/engine.ts'

const put = (run: Awaited<ReturnType<typeof testEngine>>, key: string, bytes = 2000) =>
  run.objects.put({ bucket: run.objects.buckets.get('bucket'), key, body: bodyOf(key.repeat(bytes)), ...plain })

const look = async ({ objects }: Awaited<ReturnType<typeof testEngine>>) => {
  objects.scrub.begin()
  await objects.scrub.settled()
  return objects.scrub.status()
}

/** A bit of the only blob of that many bytes. */
function flip(disk: Map<string, Buffer>, at: number, index = 0): () => void {
  const [id, bytes] = [...disk][index] ?? []
  if (id === undefined || !bytes) throw new Error('there is no such blob')
  const flipIt = (): void =>
    void disk.set(id, Buffer.from(disk.get(id)?.map((byte, n) => (n === at ? byte ^ 1 : byte)) ?? []))
  flipIt()
  return flipIt
}

describe('the scrub', () => {
  it('counts what is whole, and tells of damage once, until it is put right', async () => {
    const found: Finding[] = []
    const run = await testEngine({ scrub: { onFinding: (finding) => void found.push(finding) } })
    await run.makeBucket()
    for (const key of ['a', 'b', 'c']) await put(run, key)
    expect(await look(run)).toMatchObject({ state: 'idle', pass: 1, findings: 0, counts: { objects: 3, bytes: 6000 } })
    const mend = flip(run.disk, 300, 1)
    for (const pass of [2, 3]) expect(await look(run)).toMatchObject({ pass, findings: 1, counts: { objects: 3 } })
    expect(found).toMatchObject([{ kind: 'content-damaged', bucket: 'bucket', key: 'b', versionId: 'null' }])
    expect(run.objects.scrub.findings()).toEqual(found)
    mend()
    expect(await look(run)).toMatchObject({ pass: 4, findings: 0 })
    expect(run.objects.scrub.findings()).toEqual([])
    expect(run.failures).toEqual([])
    await run.objects.close()
  })

  it('keeps what it found, and what became of the last look, over a restart', async () => {
    const first = await testEngine()
    await first.makeBucket()
    await put(first, 'a')
    flip(first.disk, 300)
    const status = await look(first)
    await first.objects.close()
    const { stored, disk, kms } = first
    const again = await testEngine({ stored, disk, kms, lease: '1'.repeat(16) })
    expect(again.objects.scrub.status()).toEqual(status)
    expect(again.objects.scrub.findings()).toEqual(first.objects.scrub.findings())
    await again.objects.close()
  })

  it('goes on after a restart where it was, and begins again when the interval is over', async () => {
    const passes: string[] = []
    const scrub = { intervalMs: 1000, tickMs: 5, onPass: (what: string) => void passes.push(what) }
    const first = await testEngine({ scrub: { ...scrub, mibPerSecond: 1 } })
    await first.makeBucket()
    for (let at = 0; at < 40; at++) await put(first, `k${at}`)
    // The first tick of a new store notes that there is nothing to do yet.
    await vi.waitFor(() => expect(first.objects.scrub.status().startedAtMs).toBeDefined())
    expect(passes).toEqual([])
    first.objects.scrub.begin()
    await vi.waitFor(() => expect(first.objects.scrub.status().counts.objects).toBeGreaterThan(3))
    await first.objects.close()
    expect(passes).toEqual(['began'])
    const { stored, disk, kms } = first
    const again = await testEngine({ stored, disk, kms, lease: '1'.repeat(16), scrub })
    await vi.waitFor(() => expect(passes).toEqual(['began', 'went on', 'ended']))
    expect(again.objects.scrub.status()).toMatchObject({ pass: 1, counts: { objects: 40 } })
    again.time.nowMs += 1000
    await vi.waitFor(() => expect(passes).toEqual(['began', 'went on', 'ended', 'began', 'ended']))
    await again.objects.close()
  })

  it('looks at the tables of open stores in every look, and between looks, and keeps what was wrong with them', async () => {
    const damaged = new Set<string>()
    const read: string[] = []
    const tablesOf = (store: string) => ({
      tableFaults: async function* (pace: (bytes: number) => Promise<void>) {
        await pace(100)
        read.push(store)
        if (damaged.has(store)) yield { file: '000005.ldb', offset: 7, damage: 'is damaged' }
      },
    })
    const tables = new Map(['metadata', 'kms'].map((store) => [store, tablesOf(store)]))
    const run = await testEngine({ scrub: { intervalMs: 3_600_000, tables, tickMs: 5, tablesIntervalMs: 20 } })
    expect(await look(run)).toMatchObject({ pass: 1, findings: 0 })
    expect(read.slice(0, 2)).toEqual(['metadata', 'kms'])
    damaged.add('kms')
    await vi.waitFor(() => expect(run.objects.scrub.status().findings).toBe(1))
    expect(run.objects.scrub.findings()).toMatchObject([
      { kind: 'table-damaged', file: 'kms/000005.ldb', offset: 7, damage: 'the store is damaged' },
    ])
    // A table that was merged into others is damaged no more, and what it cost is told until all was looked through.
    damaged.clear()
    const { tables: before } = run.objects.scrub.bytesRead()
    await vi.waitFor(() => expect(run.objects.scrub.bytesRead().tables).toBeGreaterThan(before + 400))
    expect(run.objects.scrub.status().findings).toBe(1)
    expect(await look(run)).toMatchObject({ pass: 2, findings: 0 })
    expect(run.failures).toEqual([])
    await run.objects.close()
    expect(run.objects.scrub.bytesRead().blobs).toBe(0)
  })

  it('tells of tables although it looks by itself at nothing else', async () => {
    let reads = 0
    const metadata = {
      tableFaults: async function* () {
        reads++
        yield { file: '000005.ldb', offset: 7, damage: 'is damaged' }
      },
    }
    const tables = new Map([['metadata', metadata]])
    const run = await testEngine({ scrub: { intervalMs: 0, tables, tickMs: 5, tablesIntervalMs: 20 } })
    await vi.waitFor(() => expect(run.objects.scrub.status().findings).toBe(1))
    await vi.waitFor(() => expect(reads).toBeGreaterThan(1))
    expect(run.objects.scrub.status()).toMatchObject({ pass: 0, dueAtMs: undefined })
    await run.objects.close()
  })

  it('says how many there are where it keeps no more, and keeps each table and what is new in kind or bucket', async () => {
    const damaged = new Set<string>()
    const metadata = {
      tableFaults: async function* () {
        for (const file of damaged) yield { file, offset: 7, damage: 'is damaged' }
      },
    }
    const found: Finding[] = []
    const scrub = {
      maxFindings: 2,
      tables: new Map([['metadata', metadata]]),
      onFinding: (finding: Finding) => void found.push(finding),
    }
    const run = await testEngine({ scrub })
    await run.makeBucket()
    for (const key of ['a', 'b', 'c', 'd', 'e']) await put(run, key)
    const mends = [0, 1, 2, 3, 4].map((index) => flip(run.disk, 300, index))
    expect(await look(run)).toMatchObject({ findings: 5, notKept: 3 })
    expect(run.objects.scrub.findings()).toHaveLength(2)
    damaged.add('000005.ldb').add('000006.ldb')
    const last = [...run.disk.keys()].at(-1) ?? ''
    run.disk.delete(last)
    const status = await look(run)
    expect(status).toMatchObject({ pass: 2, findings: 7, notKept: 2 })
    const kinds = ['content-damaged', 'content-damaged', 'content-missing', 'table-damaged', 'table-damaged']
    expect(found.map(({ kind }) => kind).sort()).toEqual(kinds)
    expect(run.objects.scrub.findings()).toHaveLength(5)
    await run.objects.close()

    const { stored, disk, kms } = run
    const again = await testEngine({ stored, disk, kms, lease: '1'.repeat(16), scrub })
    expect(again.objects.scrub.status()).toEqual(status)
    for (const mend of mends.slice(0, 4)) mend()
    damaged.clear()
    expect(await look(again)).toMatchObject({ pass: 3, findings: 1, notKept: 0 })
    await again.objects.close()
  })

  it('waits while others have something to do, and not for ever', async () => {
    let busy = true
    const run = await testEngine({ scrub: { busy: () => busy } })
    await run.makeBucket()
    await put(run, 'a')
    run.objects.scrub.begin()
    await vi.waitFor(() => expect(run.objects.scrub.status().state).toBe('waiting'))
    busy = false
    await run.objects.scrub.settled()
    expect(run.objects.scrub.status()).toMatchObject({ state: 'idle', counts: { objects: 1 } })
    busy = true
    run.objects.scrub.begin()
    await vi.waitFor(() => expect(run.objects.scrub.status().state).toBe('waiting'))
    // A server that is stopped does not wait for it.
    await run.objects.close()
  })

  it('takes a key that may not be used for no damage, and looks again when it is back', async () => {
    const run = await testEngine()
    await run.makeBucket()
    await put(run, 'a')
    await run.kms.disable(run.newBucket.rootKeyCrn)
    expect(await look(run)).toMatchObject({
      findings: 0,
      counts: { objects: 1, bytes: 0, closed: { RootKeyDisabled: 1 } },
    })
    await run.kms.enable(run.newBucket.rootKeyCrn)
    expect(await look(run)).toMatchObject({ findings: 0, counts: { objects: 1, bytes: 2000, closed: {} } })
    await run.objects.close()
  })

  /** A store in which something is done right before the first read of the scrub. */
  async function interrupted(act: (run: Awaited<ReturnType<typeof testEngine>>) => Promise<unknown>) {
    let armed = false
    const run: Awaited<ReturnType<typeof testEngine>> = await testEngine({
      blobs: (inner) => ({
        ...inner,
        get: async function* (id, range) {
          if (armed) {
            armed = false
            await act(run)
            await run.objects.garbage.settled()
          }
          yield* inner.get(id, range)
        },
      }),
    })
    await run.makeBucket()
    return {
      run,
      arm: () => {
        armed = true
      },
      acted: () => !armed,
    }
  }

  it.each([
    ['replaced', (run: Awaited<ReturnType<typeof testEngine>>) => put(run, 'a', 900)],
    [
      'deleted',
      ({ objects }: Awaited<ReturnType<typeof testEngine>>) =>
        objects.delete({ bucket: objects.buckets.get('bucket'), key: 'a', conditions: {} }),
    ],
  ])('takes nothing for damage that is %s while it is looked at', async (_, act) => {
    const { run, arm, acted } = await interrupted(act)
    await put(run, 'a')
    arm()
    expect(await look(run)).toMatchObject({ findings: 0 })
    expect(acted()).toBe(true)
    await run.objects.close()
  })

  it('finds damage in a version that another one took the place of while it was looked at', async () => {
    const { run, arm, acted } = await interrupted((now) => put(now, 'a', 900))
    await run.objects.setVersioning(run.objects.buckets.get('bucket'), 'Enabled')
    const { versionId } = await put(run, 'a')
    flip(run.disk, 300)
    arm()
    await look(run)
    expect(acted()).toBe(true)
    expect(run.objects.scrub.findings()).toMatchObject([{ kind: 'content-damaged', key: 'a', versionId }])
    await run.objects.close()
  })

  it('says of the keys of a bucket once in each look that it used them, as the store itself', async () => {
    const uses: DataKeyUse[] = []
    const run = await testEngine({
      audit: { ready: () => {}, record: (use) => void uses.push(use), settled: async () => {} },
    })
    await run.makeBucket()
    for (const key of ['a', 'b', 'c']) await put(run, key)
    uses.length = 0
    await look(run)
    const told = uses.map(({ asker, use, dataKey, bucket, key }) => [
      asker.iamId,
      asker.action,
      use,
      dataKey,
      bucket,
      key,
    ])
    expect(told.sort()).toEqual([
      ['coffer', 'store.scrub', 'unwrap', 'bucket-metadata', 'bucket', undefined],
      ['coffer', 'store.scrub', 'unwrap', 'object', 'bucket', undefined],
    ])
    await look(run)
    expect(uses).toHaveLength(4)
    await run.objects.close()
  })
})
