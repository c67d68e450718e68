import { truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { PutObjectCommand } from '@aws-sdk/client-s3'
import { expect, it, vi } from 'vitest'
import { lookedThrough } from '../../src/cli/commands/verify/index.ts'
import { mainAccount } from '../support/bootstrap.ts'
import { startCliServer } from '../support/cli-server.ts'
import { contentBytes } from '../support/content.ts'
import { filesUnder } from '../support/files-under.ts'
import { s3ClientFor } from '../support/s3.ts'
import { flipAt } from '../support/stored-blobs.ts'

it('coffer verify BUCKET has the server look, and ends with 7 where something of that bucket is damaged', async () => {
  await using cli = await startCliServer({ COFFER_SCRUB_MIB_PER_SECOND: '0' })
  const file = join(cli.home, 'large')
  await writeFile(file, contentBytes('large', 500_000))
  for (const bucket of ['hurt', 'whole']) expect((await cli.call(['bucket', 'create', bucket])).status).toBe(0)
  expect((await cli.call(['object', 'put', file, 'whole/large'])).status).toBe(0)
  const blobs = join(cli.server.dataDir, 'blobs')
  const before = new Set((await filesUnder(blobs)).keys())
  expect((await cli.call(['object', 'put', file, 'hurt/2026/large'])).status).toBe(0)
  const [path = ''] = [...(await filesUnder(blobs)).keys()].filter((one) => !before.has(one))
  expect(await cli.run(['verify', 'hurt'])).toMatchObject({
    ...{ status: 0, out: expect.stringContaining('✓ Nothing of hurt is damaged: the server looked at 1 version.') },
  })
  await flipAt({ path, start: 0 }, 1000)
  const damaged = await cli.run(['verify', 'hurt', '--json'])
  expect(damaged.status).toBe(7)
  expect(JSON.parse(damaged.out).findings).toMatchObject([
    { kind: 'content-damaged', bucket: 'hurt', key: '2026/large' },
  ])
  expect((await cli.call(['verify', 'hurt/2026/'])).status).toBe(7)
  expect(await cli.call(['verify', 'hurt/2025/'])).toMatchObject({
    status: 0,
    out: expect.stringContaining('0 versions'),
  })
  expect((await cli.call(['verify', 'whole'])).status).toBe(0)
  expect((await cli.call(['verify', 'nowhere'])).status).toBe(4)
  expect((await cli.call(['verify', 'nowhere', '--stop'])).status).toBe(4)
  expect((await cli.call(['verify', 'hurt', '--stop'])).status).toBe(0)
  // What is gone is damaged no more, and the scrub is told.
  expect((await cli.call(['scrub', 'findings'])).status).toBe(7)
  expect((await cli.call(['object', 'rm', 'hurt/2026/large', '--yes'])).status).toBe(0)
  expect((await cli.call(['verify', 'hurt'])).status).toBe(0)
  expect((await cli.call(['scrub', 'findings'])).status).toBe(0)
})

it('coffer verify BUCKET calls nothing whole that it could not open, and forgets no damage of it', async () => {
  await using cli = await startCliServer({ COFFER_SCRUB_MIB_PER_SECOND: '0' })
  const file = join(cli.home, 'large')
  await writeFile(file, contentBytes('large', 500_000))
  expect((await cli.call(['key', 'create', 'root'])).status).toBe(0)
  expect((await cli.call(['bucket', 'create', 'hurt', '--key', 'root'])).status).toBe(0)
  const blobs = join(cli.server.dataDir, 'blobs')
  const before = new Set((await filesUnder(blobs)).keys())
  expect((await cli.call(['object', 'put', file, 'hurt/large'])).status).toBe(0)
  const [path = ''] = [...(await filesUnder(blobs)).keys()].filter((one) => !before.has(one))
  const disable = () => cli.call(['key', 'disable', 'root', '--yes'])
  expect((await disable()).status).toBe(0)
  expect(await cli.call(['verify', 'hurt'])).toMatchObject({
    ...{ status: 3, out: expect.stringMatching(/No damage of hurt is known.*RootKeyDisabled.*could not be opened/) },
  })
  expect((await cli.call(['key', 'enable', 'root'])).status).toBe(0)
  await flipAt({ path, start: 0 }, 1000)
  expect((await cli.call(['verify', 'hurt'])).status).toBe(7)
  expect((await disable()).status).toBe(0)
  expect((await cli.call(['verify', 'hurt'])).status).toBe(7)
  expect((await cli.call(['scrub', 'findings'])).status).toBe(7)
})

it('coffer verify and coffer scrub say how many findings the server could not keep', async () => {
  await using cli = await startCliServer({ COFFER_SCRUB_MIB_PER_SECOND: '0' })
  expect((await cli.call(['bucket', 'create', 'hurt'])).status).toBe(0)
  const s3 = s3ClientFor({ s3Url: cli.server.s3Url, ...mainAccount.user })
  const keys = Array.from({ length: 1003 }, (_, n) => `k${String(n).padStart(4, '0')}`)
  for (let at = 0; at < keys.length; at += 50) {
    const some = keys.slice(at, at + 50)
    await Promise.all(some.map((Key) => s3.send(new PutObjectCommand({ Bucket: 'hurt', Key, Body: Key }))))
  }
  s3.destroy()
  const packs = [...(await filesUnder(join(cli.server.dataDir, 'blobs'))).keys()].filter((path) => /\/p\//.test(path))
  for (const pack of packs) await truncate(pack, 100)
  expect(await cli.call(['verify', 'hurt'])).toMatchObject({
    ...{ status: 7, err: expect.stringContaining('There are 3 findings more.') },
  })
  expect(await cli.call(['verify', 'hurt/k1002'])).toMatchObject({
    ...{ status: 7, out: expect.stringMatching(/^KIND.*\ncontent-missing +hurt +k1002/) },
  })
  expect((await cli.call(['scrub', 'start'])).status).toBe(0)
  await vi.waitFor(async () => expect((await cli.call(['scrub', 'status'])).out).toMatch(/state +idle/), 30_000)
  const status = await cli.call(['scrub', 'status'])
  expect(status.out).toMatch(/findings +1003/)
  expect(status.out).toMatch(/not kept +3/)
  const findings = await cli.call(['scrub', 'findings'])
  expect(findings.status).toBe(7)
  expect(findings.err).toContain('3 findings more could not be kept')
}, 60_000)

it('coffer object cat and get call what ends in the midst damaged, and name the command that looks', async () => {
  await using cli = await startCliServer()
  const file = join(cli.home, 'large')
  await writeFile(file, contentBytes('large', 3_000_000))
  expect((await cli.call(['bucket', 'create', 'hurt'])).status).toBe(0)
  // Of what is damaged at its beginning nothing is sent: the server can say that it failed.
  for (const [key, at, ending] of [
    ['end', 2_500_000, 7],
    ['start', 1000, 1],
  ] as const) {
    const blobs = join(cli.server.dataDir, 'blobs')
    const before = new Set((await filesUnder(blobs)).keys())
    expect((await cli.call(['object', 'put', file, `hurt/${key}`])).status).toBe(0)
    const [path = ''] = [...(await filesUnder(blobs)).keys()].filter((one) => !before.has(one))
    await flipAt({ path, start: 0 }, at)
    for (const args of [
      ['cat', `hurt/${key}`],
      ['get', `hurt/${key}`, join(cli.home, 'back')],
    ]) {
      const { status, err } = await cli.call(['object', ...args])
      expect([args, status, err]).toEqual([args, ending, expect.stringMatching(/damaged/)])
      expect(err).toMatch(/(Fix|Or) +coffer verify (hurt|BUCKET)\n/)
      expect(err).not.toContain('TLS')
    }
  }
  expect((await cli.call(['key', 'create', 'new-root'])).status).toBe(0)
  expect((await cli.call(['object', 'put', file, 'hurt/whole'])).status).toBe(0)
  expect((await cli.call(['bucket', 'encrypt', 'hurt', '--key', 'new-root', '--re-encrypt', '--yes'])).status).toBe(0)
  const watched = await cli.call(['jobs', 'watch', 'hurt'])
  expect(watched).toMatchObject({ status: 7, out: expect.stringContaining('1 re-encrypted, 2 damaged') })
  expect((await cli.call(['object', 'cat', 'hurt/whole'])).status).toBe(0)
})

it('tells of a look how much of the bucket it has looked at, and why it did not come to its end', async () => {
  const look = (more: object) => ({ verification: { startedAt: '2026-11-23T10:00:00.000Z', objects: 3, ...more } })
  const ended = look({ state: 'ended', finishedAt: '2026-11-23T10:00:09.000Z' })
  const ask = async (last: object) => {
    const states = [0, 300, 700].map((bytes) => look({ state: 'running', bytes }))
    const control = async (_method: string, path: string): Promise<unknown> =>
      path.endsWith('/usage') ? { bytes: 1000 } : (states.shift() ?? last)
    const told: number[] = []
    const nothing = () => {}
    const progress = () => ({
      ...{ begin: nothing, itemDone: nothing, clear: nothing, end: nothing },
      total: (bytes: number) => void told.push(bytes),
      add: (bytes: number) => void told.push(bytes),
    })
    const call = { progress, signal: AbortSignal.timeout(20_000), flag: () => false }
    return { looked: await lookedThrough(call, { control }, { bucket: 'b', key: '' }), told }
  }
  expect(await ask(ended)).toEqual({ looked: ended.verification, told: [1000, 0, 300, 400] })
  const finishedAt = '2026-11-23T10:00:09.000Z'
  for (const [last, why] of [
    [look({ state: 'stopped', finishedAt }), 'stopped'],
    [look({ state: 'failed', finishedAt }), 'its log'],
    [look({ state: 'ended', startedAt: '2026-11-23T10:00:10.000Z' }), 'another'],
    [{}, 'started anew'],
  ] as const) {
    await expect(ask(last)).rejects.toThrow(why)
  }
})
