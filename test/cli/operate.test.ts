import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { S3 } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { percentile } from '../../src/cli/bench/load.ts'
import { works } from '../../src/cli/bench/works.ts'
import { askOnline } from '../../src/cli/doctor/online.ts'
import { type CliServer, startCliServer } from '../support/cli-server.ts'

let cli: CliServer
beforeAll(async () => {
  cli = await startCliServer()
  await writeFile(join(cli.home, 'file'), 'x')
  for (const line of [
    'key create root',
    'bucket create vault --key root',
    `object put ${join(cli.home, 'file')} vault/`,
  ])
    expect([line, await cli.call(line.split(' '))]).toMatchObject([line, { status: 0 }])
})
afterAll(() => cli[Symbol.asyncDispose]())

it('a measurement works in a bucket of its own, which goes, and tells rates and percentiles', async () => {
  const { status, out } = await cli.call(['bench', '--seconds', '1', '--size', '4kB', '--key', 'root', '--json'])
  expect(status).toBe(0)
  const { measured } = JSON.parse(out)
  expect(measured.map(({ operation }: { operation: string }) => operation).sort()).toEqual(['get', 'list', 'put'])
  for (const one of measured) {
    expect(one).toMatchObject({ failed: 0, bytes: one.operation === 'list' ? 0 : one.count * 4000 })
    expect([one.count > 0, one.p50Ms <= one.p99Ms, one.p99Ms <= one.maxMs]).toEqual([true, true, true])
  }
  expect(await cli.call(['bucket', 'ls', '--quiet'])).toMatchObject({ out: 'vault\n' })
  expect(await cli.call(['bench', 'everything'])).toMatchObject({ status: 2 })
  expect([percentile([1, 2, 3, 4], 0.5), percentile([1, 2, 3, 4], 0.99), percentile([], 0.5)]).toEqual([2, 4, 0])
})

it('a server tells of itself what it can be asked, and what mends it', async () => {
  const told = async (environment = cli.environment) => {
    const found = await askOnline(environment)
    return {
      found,
      wrong: found.filter(({ verdict }) => verdict !== 'ok').map(({ check, message, mend }) => [check, message, mend]),
    }
  }
  const well = await told()
  expect(well.wrong).toEqual([
    ['backup', expect.stringContaining('tells of none'), expect.stringContaining('coffer backup')],
  ])
  expect(well.found.map(({ message }) => message).join('\n')).toMatch(
    /is ready\n[\s\S]*wrapped and unwrapped with root in \d+ ms/,
  )
  await cli.call(['key', 'disable', 'root', '--yes'])
  const { wrong } = await told()
  expect(wrong).toContainEqual([
    'root keys',
    expect.stringContaining('keys/root is disabled'),
    expect.stringContaining('coffer key enable keys/root'),
  ])
  expect(wrong).toContainEqual([
    'buckets',
    expect.stringContaining('vault cannot be read'),
    'coffer bucket who-can-read vault',
  ])
  await cli.call(['key', 'enable', 'root'])
  const stranger = await told({ ...cli.environment, IBMCLOUD_API_KEY: 'wrong' })
  expect(stranger.wrong).toContainEqual([
    'credentials',
    expect.stringContaining('could not be looked at'),
    'export IBMCLOUD_API_KEY=…',
  ])
})

it('whoever is made is told with a time as all others are', async () => {
  const { out } = await cli.call(['user', 'create', 'svc-iso', '--json'])
  const { createdAt } = JSON.parse(out)
  expect(new Date(createdAt).toISOString()).toBe(createdAt)
})

it('the status of a server has its disk', async () => {
  const { out } = await cli.call(['status', '--json'])
  expect(JSON.parse(out)).toMatchObject({
    disks: [{ name: 'data', freeBytes: expect.any(Number), state: expect.any(String) }],
  })
  expect(JSON.parse(out).disks[0].sizeBytes).toBeGreaterThan(0)
})

it('a measurement calls content that ends in the midst cut off, whatever the protocol of the connection', async () => {
  const cutting = createServer((_request, response) => {
    response.writeHead(200, { 'content-length': 100_000, 'last-modified': 'Mon, 23 Nov 2026 10:00:00 GMT' })
    response.write(Buffer.alloc(1000), () => response.destroy())
  }).listen(0, '127.0.0.1')
  await once(cutting, 'listening')
  const address = cutting.address()
  const s3 = new S3({
    endpoint: `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`,
    ...{ region: 'us-east-1', forcePathStyle: true, credentials: { accessKeyId: 'a', secretAccessKey: 'b' } },
  })
  try {
    const next = works({ s3, bucket: 'b', body: Buffer.alloc(0), signal: AbortSignal.timeout(20_000) }, 'get')
    await expect(next().run()).rejects.toMatchObject({ failure: { code: 'ContentCutOff' } })
  } finally {
    s3.destroy()
    cutting.close()
  }
})

it('a user that could not be given its role is not made, and none is called as another is', async () => {
  const users = async () => JSON.parse((await cli.call(['user', 'ls', '--json'])).out)
  const before = await users()
  for (const [more, status] of [
    [['--role', 'Emperor'], 2],
    [['--role', 'Reader', '--key', 'no-such-key'], 4],
    [['--role', 'Reader', '--bucket', 'a', '--service', 'keys'], 2],
  ] as const) {
    expect(await cli.call(['user', 'create', 'svc-once', ...more])).toMatchObject({ status })
    expect(await users()).toEqual(before)
  }
  expect(await cli.call(['user', 'create', 'svc-once', '--role', 'Reader'])).toMatchObject({ status: 0 })
  expect(await cli.call(['user', 'create', 'svc-once'])).toMatchObject({
    ...{ status: 8, err: expect.stringContaining('there is somebody called svc-once: iam-ServiceId-') },
  })
  expect(await cli.call(['user', 'rm', 'svc-once', '--yes'])).toMatchObject({ status: 0 })
})

it('a key that is renamed loses the alias that it was called by, and no other', async () => {
  expect((await cli.call(['key', 'create', 'many-names'])).status).toBe(0)
  const aliases = async () =>
    JSON.parse((await cli.call(['key', 'show', 'many-names', '--json'])).out).aliases.toSorted()
  const [given = ''] = await aliases()
  expect((await cli.call(['key', 'alias', 'add', 'many-names', 'aaa'])).status).toBe(0)
  expect(await cli.call(['key', 'rename', given, 'zzz', '--dry-run'])).toMatchObject({
    status: 0,
    out: expect.stringMatching(/gets the alias zzz, and is .* no more\.\nNothing was changed\.\n$/),
  })
  expect((await cli.call(['key', 'rename', given, 'zzz'])).status).toBe(0)
  expect(await aliases()).toEqual(['aaa', 'zzz'])
  expect((await cli.call(['key', 'rename', 'zzz', 'bbb'])).status).toBe(0)
  expect(await aliases()).toEqual(['aaa', 'bbb'])
  const { id } = JSON.parse((await cli.call(['key', 'show', 'aaa', '--json'])).out)
  expect(await cli.call(['key', 'rename', id, 'ccc'])).toMatchObject({
    ...{ status: 2, err: expect.stringContaining('several aliases, say which is to go: aaa, bbb') },
  })
})
