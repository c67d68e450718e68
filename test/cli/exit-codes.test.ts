import { once } from 'node:events'
import { mkdir, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { EXIT, MEANING } from '../../src/base/exit-status.ts'
import { mainAccount } from '../support/bootstrap.ts'
import { type CliServer, startCliServer } from '../support/cli-server.ts'
import { startCommand } from '../support/coffer-command.ts'
import { freePort } from '../support/free-port.ts'
import { s3ClientFor } from '../support/s3.ts'

let cli: CliServer
let file: string

beforeAll(async () => {
  cli = await startCliServer()
  file = join(cli.home, 'hello.txt')
  await writeFile(file, 'hello')
  for (const args of [
    ['key', 'create', 'exit-root'],
    ['bucket', 'create', 'plain'],
    ['bucket', 'create', 'vault', '--key', 'exit-root'],
    ['object', 'put', file, 'vault/'],
    ['object', 'put', file, 'plain/'],
  ]) {
    expect(await cli.call(args)).toMatchObject({ status: 0 })
  }
})
afterAll(() => cli[Symbol.asyncDispose]())

/** A first start prints it for clients; a server from the same shell passes over it. */
const SERVER_ONLY = { COFFER_LOG_LEVEL: 'silent' } as const

/** The error that --json tells on standard output. */
const errorIn = (out: string): unknown => JSON.parse(out.trim().split('\n').at(-1) ?? '')

describe('coffer ends with', () => {
  it('0 for what is done', async () => {
    expect(await cli.run(['bucket', 'ls', '--quiet'])).toMatchObject({ status: 0, out: 'plain\nvault\n', err: '' })
  })

  it.each(['--version', '-V', '-v'])('0 for %s, which people try first', async (word) => {
    expect(await cli.run([word])).toMatchObject({ status: 0, out: expect.stringMatching(/^coffer \d+\.\d+\.\d+\n$/) })
  })

  it('1 when nobody answers, and says what to look at', async () => {
    const nobody = `http://127.0.0.1:${await freePort()}`
    const { status, err } = await cli.run(['bucket', 'ls'], { AWS_ENDPOINT_URL_S3: nobody })
    expect(status).toBe(EXIT.failed)
    expect(err).toContain(
      `✕ Can't list buckets: ${nobody} cannot be reached, nobody listens there.  [Unreachable, exit 1]`,
    )
    expect(err).toMatch(/Fix +coffer health/)
    expect((await cli.run(['health', nobody])).status).toBe(EXIT.failed)
  })

  it('2 when it is called wrongly, with what was meant', async () => {
    expect(await cli.run(['bucket', 'lss'])).toMatchObject({
      status: 2,
      err: expect.stringContaining('did you mean coffer bucket ls?'),
    })
    expect(await cli.run(['bucket', 'lifecycle', 'plain'])).toMatchObject({
      ...{ status: 2, err: expect.stringContaining('it takes one of get, set, rm') },
    })
    expect(await cli.run(['bucket', 'create', 'B'])).toMatchObject({
      ...{ status: 2, err: expect.stringContaining('3 to 63 small letters') },
    })
    expect(await cli.run(['bucket', 'ls', '--jsn'])).toMatchObject({
      status: 2,
      err: expect.stringContaining('did you mean --json?'),
    })
    expect(await cli.run(['bucket', 'create'])).toMatchObject({
      status: 2,
      err: expect.stringContaining('<name> is missing'),
    })
    expect(await cli.run(['bucket'])).toMatchObject({
      status: 2,
      out: '',
      err: expect.stringContaining('coffer bucket create'),
    })
  })

  it('2 for what destroys where nobody can be asked, and nothing is changed', async () => {
    const { status, err } = await cli.run(['object', 'rm', 'plain/hello.txt'])
    expect(status).toBe(EXIT.usage)
    expect(err).toContain('--yes')
    expect((await cli.call(['object', 'stat', 'plain/hello.txt'])).status).toBe(0)
  })

  it('2 for a command or a topic that there is not, as JSON with --json', async () => {
    for (const args of [['buckt'], ['help', 'nonsense']]) {
      const { status, out, err } = await cli.run([...args, '--json'])
      expect({ status, said: errorIn(out), err }).toMatchObject({
        status: 2,
        said: { code: 'Usage', exit: 2 },
        err: '',
      })
      expect(await cli.run(args)).toMatchObject({ status: 2, out: '', err: expect.stringContaining('[Usage, exit 2]') })
    }
  })

  it('3 when some failed and the rest is done', async () => {
    await cli.call(['key', 'create', 'partly-root'])
    await cli.call(['bucket', 'create', 'partly'])
    await cli.call(['object', 'put', file, 'partly/a'])
    await cli.call(['object', 'put', file, 'partly/b', '--key', 'partly-root'])
    await cli.call(['key', 'disable', 'partly-root', '--yes'])
    const { status, out, err } = await cli.run(['object', 'get', 'partly', cli.home, '--recursive', '--json'])
    expect(status).toBe(EXIT.partly)
    expect(err).toBe('')
    expect(out).toContain('"key":"a"')
    expect(errorIn(out)).toMatchObject({ type: 'error', code: 'PartlyDone', exit: 3 })
  })

  it('4 for what is not there', async () => {
    for (const args of [
      ['bucket', 'show', 'nowhere'],
      ['object', 'cat', 'plain/none'],
      ['key', 'show', 'no-such-key'],
      ['profile', 'use', 'none'],
    ]) {
      expect([args, (await cli.call(args)).status]).toEqual([args, EXIT.notFound])
    }
    expect((await cli.run(['object', 'cat', 'plain/none'])).err).toMatch(
      /NoSuchKey, exit 4\]\n +Fix +coffer object ls \S+\n +Request +[0-9A-F]{16}/,
    )
  })

  it('5 for a signature, a key or a right that is refused', async () => {
    expect((await cli.run(['bucket', 'ls'], { AWS_SECRET_ACCESS_KEY: 'wrong' })).status).toBe(EXIT.refused)
    expect((await cli.call(['key', 'ls'], { IBMCLOUD_API_KEY: 'wrong' })).status).toBe(EXIT.refused)
    const none = await cli.call(['key', 'ls'], { IBMCLOUD_API_KEY: undefined })
    expect(none).toMatchObject({ status: EXIT.refused, err: expect.stringContaining('export IBMCLOUD_API_KEY') })
  })

  it('6 while a root key is disabled: says which, and the command that mends it', async () => {
    await cli.call(['key', 'disable', 'exit-root', '--yes', '--reason', 'it leaked'])
    const { status, err } = await cli.run(['object', 'cat', 'vault/hello.txt'])
    expect(status).toBe(EXIT.keyUnavailable)
    expect(err).toMatch(
      /✕ Can't read vault\/hello.txt: its root key keys\/exit-root is disabled, by .+, (now|\d+ s ago): “it leaked”\. {2}\[KMS\.DisabledException, exit 6\]/,
    )
    expect((await cli.call(['key', 'show', 'exit-root'])).out).toMatch(/state +disabled by .+: “it leaked”/)
    const shown = JSON.parse((await cli.call(['key', 'show', 'exit-root', '--json'])).out)
    expect(shown.disabled).toMatchObject({ why: 'it leaked', who: expect.any(String), at: expect.any(String) })
    expect(err).toMatch(/Fix +coffer key enable keys\/exit-root/)
    expect(await cli.call(['object', 'cat', 'plain/hello.txt'])).toMatchObject({ status: 0, out: 'hello' })
    // These begin with a HEAD, whose answer says no reason.
    for (const args of [
      ['get', 'vault/hello.txt', join(cli.home, 'out')],
      ['stat', 'vault/hello.txt'],
      ['cp', 's3://vault/hello.txt', 's3://plain/copy'],
      ['mv', 's3://vault/hello.txt', 's3://plain/moved'],
      ['share', 'vault/hello.txt'],
    ]) {
      expect([args, await cli.call(['object', ...args])]).toMatchObject([
        args,
        {
          status: 6,
          err: expect.stringMatching(/keys\/exit-root is disabled[\s\S]*Fix +coffer key enable keys\/exit-root/),
        },
      ])
    }
    for (const args of [
      ['get', 'vault/', join(cli.home, 'many'), '--recursive'],
      ['sync', 's3://vault', join(cli.home, 'many')],
    ]) {
      const { status, err } = await cli.call(['object', ...args])
      expect({ args, status, err }).toEqual({
        ...{ args, status: 6 },
        err: expect.stringMatching(/could not be|KMS.DisabledException[\s\S]*Fix +coffer key enable keys\/exit-root/),
      })
    }
    await cli.call(['key', 'enable', 'exit-root'])
    expect(await cli.call(['object', 'cat', 'vault/hello.txt'])).toMatchObject({ status: 0, out: 'hello' })
    // To remove it takes no key.
    await cli.call(['object', 'cp', 's3://vault/hello.txt', 's3://vault/goes.txt'])
    await cli.call(['key', 'disable', 'exit-root', '--yes'])
    expect(await cli.call(['object', 'rm', 'vault/goes.txt', '--yes'])).toMatchObject({ status: 0 })
    expect((await cli.call(['object', 'ls', 'vault/'])).out).not.toContain('goes.txt')
    await cli.call(['key', 'enable', 'exit-root'])
  })

  it('7 when what comes is not what was stored, and leaves no file', async () => {
    // A store that says one thing of an object and gives another.
    const liar = createServer((request, reply) => {
      reply.writeHead(200, {
        'content-length': 5,
        etag: '"5d41402abc4b2a76b9719d911017c592"',
        'last-modified': new Date(0).toUTCString(),
      })
      reply.end(request.method === 'HEAD' ? undefined : 'hullo')
    }).listen(0, '127.0.0.1')
    await once(liar, 'listening')
    const address = liar.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    const place = join(cli.home, 'damaged.txt')
    const { status, err } = await cli.run(['object', 'get', 'a/b', place], {
      AWS_ENDPOINT_URL_S3: `http://127.0.0.1:${port}`,
    })
    liar.close()
    expect({ status, err }).toMatchObject({
      status: EXIT.damage,
      err: expect.stringContaining('[ContentDamaged, exit 7]'),
    })
    await expect(writeFile(place, '', { flag: 'wx' })).resolves.toBeUndefined()
  })

  it('8 for a conflict: what is not empty, exists, or is retained', async () => {
    const notEmpty = await cli.run(['bucket', 'rm', 'plain'])
    expect(notEmpty).toMatchObject({
      status: EXIT.conflict,
      err: expect.stringContaining('coffer bucket rm plain --force'),
    })
    expect((await cli.call(['object', 'put', file, 'plain/hello.txt', '--if-new'])).status).toBe(EXIT.conflict)
    expect((await cli.call(['key', 'rm', 'exit-root', '--yes'])).status).toBe(EXIT.conflict)
    expect((await cli.call(['bucket', 'create', 'locked', '--object-lock'])).status).toBe(0)
    const { putObject, destroy } = retaining(cli.server.s3Url)
    const versionId = await putObject()
    destroy()
    const retained = await cli.call(['object', 'rm', 'locked/kept', '--version-id', versionId, '--yes'])
    expect(retained.status).toBe(EXIT.conflict)
  })

  it('9 for profiles that cannot be read', async () => {
    const broken = join(cli.home, 'broken')
    await mkdir(join(broken, 'coffer'), { recursive: true })
    await writeFile(join(broken, 'coffer/profiles.toml'), 'current = [[[\n')
    expect((await cli.run(['bucket', 'ls'], { XDG_CONFIG_HOME: broken })).status).toBe(EXIT.config)
  })

  it('9, 10, 11 and 12 for the settings, the place, the lock and the key of a store', async () => {
    const { dataDir } = cli.server
    const none = join(cli.home, 'none')
    const keyFile = join(cli.home, 'wrong.key')
    await writeFile(keyFile, Buffer.alloc(32, 1), { mode: 0o600 })
    expect((await cli.run(['config', 'validate', '--s3-listen', 'x'], SERVER_ONLY)).status).toBe(EXIT.config)
    expect((await cli.run(['verify', '--data-dir', none], SERVER_ONLY)).status).toBe(EXIT.noStore)
    const nowhere = ['--s3-listen', '127.0.0.1:0', '--control-listen', '127.0.0.1:0']
    expect((await cli.run(['serve', dataDir, ...nowhere], SERVER_ONLY)).status).toBe(EXIT.storeInUse)
    const copy = join(cli.home, 'store')
    expect((await cli.run(['init', copy], SERVER_ONLY)).status).toBe(EXIT.done)
    expect((await cli.run(['init', copy], SERVER_ONLY)).status).toBe(EXIT.conflict)
    const again = await cli.run(['init', copy, '--json'], SERVER_ONLY)
    expect({ status: again.status, said: errorIn(again.out) }).toMatchObject({
      ...{ status: EXIT.conflict, said: { code: 'StoreExists', exit: EXIT.conflict } },
    })
    const wrongKey = ['serve', copy, ...nowhere, '--instance-key-file', keyFile]
    expect((await cli.run(wrongKey, SERVER_ONLY)).status).toBe(EXIT.wrongKey)
    const wrongly = ['--data-dir', copy, '--instance-key-file', keyFile]
    expect((await cli.run(['verify', ...wrongly], SERVER_ONLY)).status).toBe(EXIT.wrongKey)
    expect((await cli.run(['audit', 'public-key', ...wrongly], SERVER_ONLY)).status).toBe(EXIT.wrongKey)
    for (const words of [['restore', cli.home], ['verify'], ['audit', 'public-key']]) {
      expect((await cli.run([...words, '--s3-listen', 'x'], SERVER_ONLY)).status).toBe(EXIT.config)
    }
  })

  it('130 when it is interrupted, and says so as the last line', async () => {
    const hanging = createServer(() => {}).listen(0, '127.0.0.1')
    await once(hanging, 'listening')
    const address = hanging.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    const asked = once(hanging, 'request')
    const { child, result } = startCommand(['bucket', 'ls', '--json'], {
      ...cli.environment,
      AWS_ENDPOINT_URL_S3: `http://127.0.0.1:${port}`,
    })
    await asked
    child.kill('SIGINT')
    const { status, out } = await result
    hanging.closeAllConnections()
    hanging.close()
    expect(status).toBe(EXIT.interrupted)
    expect(errorIn(out)).toMatchObject({ type: 'error', code: 'Interrupted', exit: 130 })
  })

  it('what `coffer help exit-codes` says', async () => {
    const { status, out } = await cli.run(['help', 'exit-codes'])
    expect(status).toBe(0)
    for (const [name, code] of Object.entries(EXIT))
      expect(out).toContain(`${code}  ${Object.entries(MEANING).find(([known]) => known === name)?.[1]}`)
  })
})

function retaining(s3Url: string) {
  const client = s3ClientFor({ s3Url, ...mainAccount.user })
  return {
    putObject: async (): Promise<string> => {
      const { PutObjectCommand } = await import('@aws-sdk/client-s3')
      const until = new Date(Date.now() + 86_400_000)
      const done = await client.send(
        new PutObjectCommand({
          Bucket: 'locked',
          Key: 'kept',
          Body: 'x',
          ObjectLockMode: 'COMPLIANCE',
          ObjectLockRetainUntilDate: until,
        }),
      )
      return done.VersionId ?? ''
    },
    destroy: () => client.destroy(),
  }
}
