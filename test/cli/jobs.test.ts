import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type CliServer, startCliServer } from '../support/cli-server.ts'

let cli: CliServer
beforeAll(async () => {
  cli = await startCliServer({ COFFER_REWRAP_AUTOMATIC: 'false', COFFER_REWRAP_PER_SECOND: '1' })
  await writeFile(join(cli.home, 'hello.txt'), 'hello')
})
afterAll(() => cli[Symbol.asyncDispose]())

const said = async (...args: readonly string[]) => {
  const { status, out, err } = await cli.call([...args, '--json'])
  expect({ args, status, err }).toEqual({ args, status: 0, err: '' })
  return JSON.parse(out)
}
const filled = async (bucket: string, key: string): Promise<void> => {
  await said('key', 'create', key)
  await said('bucket', 'create', bucket, '--key', key)
  for (let at = 0; at < 8; at++)
    expect((await cli.call(['object', 'put', join(cli.home, 'hello.txt'), `${bucket}/${at}`])).status).toBe(0)
}

it('rewraps only what has something under a version that is named, by its number or its id', async () => {
  await filled('from', 'from-root')
  await said('key', 'rotate', 'from-root')
  const { versions } = await said('key', 'show', 'from-root')
  expect(versions).toHaveLength(2)
  expect((await cli.call(['key', 'show', 'from-root'])).out).toMatch(new RegExp(`v1 +${versions[0].id}`))
  const rewrapped = async (version: string) => (await said('rewrap', '--key', 'from-root', '--from', version)).jobs
  expect(await rewrapped('v2')).toEqual([])
  expect(await rewrapped('v1')).toMatchObject([{ bucket: 'from' }])
  expect(await rewrapped(versions[0].id)).toMatchObject([{ bucket: 'from' }])
  expect((await cli.call(['rewrap', '--key', 'from-root', '--from', 'v9'])).status).toBe(4)
  expect((await cli.call(['rewrap', '--bucket', 'from', '--from', 'v1'])).status).toBe(2)
})

it('cancels a rewrap, which stays cancelled, and not the move of a bucket to another key', async () => {
  await filled('ended', 'ended-root')
  expect((await cli.call(['jobs', 'cancel', 'ended'])).status).toBe(4)
  await said('key', 'rotate', 'ended-root')
  await said('rewrap', '--bucket', 'ended')
  expect(await said('jobs', 'cancel', 'ended')).toMatchObject({ bucket: 'ended', state: 'cancelled' })
  expect(await said('jobs', 'show', 'ended')).toMatchObject({ state: 'cancelled', finishedAt: expect.any(String) })
  expect(await cli.call(['jobs', 'watch', 'ended'])).toMatchObject({
    ...{ status: 3, out: expect.stringContaining('✕ ended: cancelled') },
  })
  expect(await cli.call(['object', 'cat', 'ended/7'])).toMatchObject({ status: 0, out: 'hello' })

  await said('key', 'create', 'next-root')
  await said('bucket', 'encrypt', 'ended', '--key', 'next-root', '--yes')
  const { status, err } = await cli.call(['jobs', 'cancel', 'ended'])
  expect({ status, err }).toEqual({
    status: 8,
    err: expect.stringMatching(/BucketMoving, exit 8\]\n[\s\S]* Fix +coffer jobs pause BUCKET/),
  })
  expect(await said('jobs', 'show', 'ended')).toMatchObject({ state: 'running' })
})

it('does not wait for ever for a rewrap whose root key may not be used, and says why it stands', async () => {
  await filled('dark', 'dark-root')
  await said('key', 'rotate', 'dark-root')
  await said('key', 'disable', 'dark-root', '--yes')
  expect(await cli.call(['rewrap', '--bucket', 'dark', '--wait'])).toMatchObject({
    ...{ status: 6, out: expect.stringMatching(/✕ 0 data keys.*\n {2}dark is running, RootKeyDisabled/) },
  })
  expect(await cli.call(['jobs', 'watch', 'dark'])).toMatchObject({
    ...{ status: 6, out: expect.stringContaining('✕ dark: running, 0 rewrapped, RootKeyDisabled') },
  })
})

it('does not say that it sealed anew what stays under the same key', async () => {
  await filled('same', 'same-root')
  for (const how of ['--dry-run', '--yes'])
    expect(await cli.call(['bucket', 'encrypt', 'same', '--key', 'same-root', '--re-encrypt', how])).toMatchObject({
      ...{ status: 8, err: expect.stringContaining('SameKey') },
    })
  const provider = ['bucket', 'create', 'theirs']
  expect((await cli.call(provider)).status).toBe(0)
  expect(await cli.call(['bucket', 'encrypt', 'theirs', '--provider-managed', '--re-encrypt', '--yes'])).toMatchObject({
    ...{ status: 8, err: expect.stringContaining('SameKey') },
  })
})
