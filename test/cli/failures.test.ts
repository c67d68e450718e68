import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { request as forward } from 'node:http'
import { createServer } from 'node:https'
import { createServer as createPlain } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { testCertificates } from '../support/certificate.ts'
import { type CliServer, startCliServer } from '../support/cli-server.ts'
import { startCommand } from '../support/coffer-command.ts'
import { cuttableLink } from '../support/cuttable-link.ts'
import { freePort } from '../support/free-port.ts'

let cli: CliServer
beforeAll(async () => {
  cli = await startCliServer()
  expect((await cli.call(['bucket', 'create', 'plain'])).status).toBe(0)
})
afterAll(() => cli[Symbol.asyncDispose]())

async function listening(server: ReturnType<typeof createPlain>): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : 0
}

/** What it says goes on with what mends it; nothing of it is this program's inside. */
async function refused(args: readonly string[], environment: Readonly<Record<string, string>>) {
  const { status, err } = await cli.call(args, environment)
  expect(err).toMatch(/^✕ Can't [^\n]+\. {2}\[\w[\w.]*, exit \d+\]\n/)
  expect(err).not.toMatch(/^ +at |node:internal|\bundefined\b/m)
  return { status, err }
}

describe('a failure says what, why and what mends it:', () => {
  it('a wrong scheme, address, place or name', async () => {
    const { s3Url, controlUrl } = cli.server
    const tls = (url: string) => url.replace('http:', 'https:')
    const s3 = (url: string) => ({ AWS_ENDPOINT_URL_S3: url })
    const control = (url: string) => ({ COFFER_CONTROL: url })
    const cases: readonly (readonly [Readonly<Record<string, string>>, string, number, string])[] = [
      [s3(tls(s3Url)), 'NoTls', 1, `export AWS_ENDPOINT_URL_S3=${s3Url}`],
      [control(tls(controlUrl)), 'NoTls', 1, `export COFFER_CONTROL=${controlUrl}`],
      [s3('http://no-such-host.invalid'), 'Unreachable', 1, 'coffer health'],
      [control('http://no-such-host.invalid'), 'Unreachable', 1, 'coffer health'],
      [s3(`http://127.0.0.1:${await freePort()}`), 'Unreachable', 1, 'coffer health'],
      [s3(controlUrl), 'NotS3', 1, 'export AWS_ENDPOINT_URL_S3=http://127.0.0.1:9000'],
      [control(s3Url), 'HTTP405', 1, 'export COFFER_CONTROL=http://127.0.0.1:9001'],
      [s3('127.0.0.1:9000'), 'Usage', 2, 'export AWS_ENDPOINT_URL_S3=http://127.0.0.1:9000'],
      [control('localhost:9001'), 'Usage', 2, 'export COFFER_CONTROL=http://localhost:9001'],
      [{ AWS_CA_BUNDLE: '/no/such.pem' }, 'CaBundle', 9, 'export AWS_CA_BUNDLE=ca.pem'],
      [{ AWS_SESSION_TOKEN: 'expired' }, 'InvalidToken', 5, 'unset AWS_SESSION_TOKEN'],
      [{ AWS_SECRET_ACCESS_KEY: 'wrong' }, 'SignatureDoesNotMatch', 5, 'export AWS_ACCESS_KEY_ID='],
      [{ IBMCLOUD_API_KEY: 'wrong' }, 'BXNIM0415E', 5, 'export IBMCLOUD_API_KEY='],
    ]
    for (const [environment, code, exit, fix] of cases) {
      const isS3 = !('COFFER_CONTROL' in environment || 'IBMCLOUD_API_KEY' in environment)
      const { status, err } = await refused(isS3 ? ['object', 'ls', 'plain'] : ['key', 'ls'], environment)
      expect({ environment, status, err }).toEqual({
        ...{ environment, status: exit },
        err: expect.stringMatching(
          new RegExp(`\\[${code}, exit ${exit}\\]\\n[\\s\\S]*(Fix|Or) +${RegExp.escape(fix)}`),
        ),
      })
    }
  })

  it('a certificate that is not trusted, TLS where none is expected, and a server that never answers', async () => {
    const { cert, key } = testCertificates()
    const tls = createServer({ cert, key })
    const silent = createPlain()
    const [tlsPort, silentPort] = [await listening(tls), await listening(silent)]
    const own = (url: string) => ({ AWS_ENDPOINT_URL_S3: url, COFFER_CONTROL: url, COFFER_READ_TIMEOUT: '1s' })
    for (const args of [
      ['object', 'ls', 'plain'],
      ['key', 'ls'],
    ]) {
      expect((await refused(args, own(`https://127.0.0.1:${tlsPort}`))).err).toMatch(
        /NotTrusted[\s\S]*Fix +export AWS_CA_BUNDLE=/,
      )
      expect((await refused(args, own(`http://127.0.0.1:${tlsPort}`))).err).toContain('it may want TLS')
    }
    expect((await refused(['key', 'ls'], own(`http://127.0.0.1:${silentPort}`))).err).toContain(
      'does not answer in time',
    )
    tls.close()
    silent.close()
  })

  it('trusts the bundle that is named and no other authority, and what is named as extra besides', async () => {
    const [served, other] = [testCertificates(), testCertificates('Another authority')]
    const [bundle, others] = [join(cli.home, 'ca.pem'), join(cli.home, 'other-ca.pem')]
    await writeFile(bundle, served.ca)
    await writeFile(others, other.ca)
    const tls = createServer({ cert: served.cert, key: served.key }, ({ url }, reply) =>
      url?.startsWith('/health')
        ? reply.end('{"status":"ready","problems":[]}')
        : reply.end('<ListAllMyBucketsResult><Buckets/></ListAllMyBucketsResult>'),
    )
    const url = `https://127.0.0.1:${await listening(tls)}`
    const cases: readonly (readonly [Readonly<Record<string, string>>, boolean])[] = [
      [{ AWS_CA_BUNDLE: bundle }, true],
      [{ AWS_CA_BUNDLE: others }, false],
      [{ NODE_EXTRA_CA_CERTS: bundle }, true],
      [{ AWS_CA_BUNDLE: others, NODE_EXTRA_CA_CERTS: bundle }, true],
      [{ AWS_CA_BUNDLE: bundle, NODE_EXTRA_CA_CERTS: others }, true],
      [{ NODE_EXTRA_CA_CERTS: others }, false],
    ]
    for (const [environment, isTrusted] of cases) {
      const own = { ...environment, COFFER_CONTROL: url, AWS_ENDPOINT_URL_S3: url, IBMCLOUD_API_KEY: '' }
      for (const args of [['health'], ['bucket', 'ls']]) {
        const { status, err } = await cli.run(args, own)
        expect({ args, environment, status, err }).toEqual({
          ...{ args, environment, status: isTrusted ? 0 : 1 },
          err: isTrusted ? expect.not.stringContaining('✕') : expect.stringContaining('NotTrusted'),
        })
      }
    }
    tls.close()
  })

  it('trusts the bundle that is named with bodies of every size', async () => {
    const { ca, cert, key } = testCertificates()
    const bundle = join(cli.home, 'parts-ca.pem')
    await writeFile(bundle, ca)
    const target = new URL(cli.server.s3Url)
    const tls = createServer({ cert, key }, (request, reply) => {
      const { method, url, headers } = request
      const on = forward({ host: target.hostname, port: target.port, method, path: url, headers }, (answer) => {
        reply.writeHead(answer.statusCode ?? 500, answer.headers)
        answer.pipe(reply)
      })
      request.pipe(on)
    })
    const own = { AWS_CA_BUNDLE: bundle, AWS_ENDPOINT_URL_S3: `https://127.0.0.1:${await listening(tls)}` }
    await writeFile(join(cli.home, 'in-parts'), Buffer.alloc(20 * 1024 ** 2, 'x'))
    await writeFile(join(cli.home, 'in-one'), Buffer.alloc(5 * 1024 ** 2, 'x'))
    for (const name of ['in-parts', 'in-one']) {
      const { status, err } = await cli.run(['object', 'put', join(cli.home, name), `plain/${name}`], own)
      expect({ name, status, err }).toMatchObject({ name, status: 0 })
    }
    tls.close()
  })

  it('a file that is not there, or that may not be written', async () => {
    const { status, err } = await refused(['object', 'put', join(cli.home, 'none'), 'plain/'], {})
    expect({ status, err }).toEqual({
      status: 4,
      err: expect.stringContaining('/none is not there.  [ENOENT, exit 4]'),
    })
    await writeFile(join(cli.home, 'file'), '')
    await cli.call(['object', 'put', join(cli.home, 'file'), 'plain/file'])
    const below = await refused(['object', 'get', 'plain/file', join(cli.home, 'file/below')], {})
    expect(below.err).toMatch(/file/)
  })
})

it('Ctrl-C in the middle leaves nothing half-visible, and the same command goes on', async () => {
  await using link = await cuttableLink(cli.server.s3Url)
  const [large, place] = [join(cli.home, 'large.bin'), join(cli.home, 'got')]
  const content = randomBytes(22 * 1024 ** 2)
  await writeFile(large, content)
  const environment = { ...cli.environment, AWS_ENDPOINT_URL_S3: link.url }
  const interrupted = async (args: readonly string[]) => {
    const cut = link.cutAfter(13 * 1024 ** 2)
    const { child, result } = startCommand(args, environment)
    await cut
    child.kill('SIGINT')
    const { status, err } = await result
    link.mend()
    expect({ args, status, err }).toEqual({ args, status: 130, err: expect.stringContaining('the same command again') })
  }
  const put = ['object', 'put', large, 'plain/large', '--parallel', '1']
  await interrupted(put)
  expect((await cli.call(['object', 'stat', 'plain/large'])).status).toBe(4)
  expect(await cli.call(put, environment)).toMatchObject({
    status: 0,
    out: expect.stringMatching(/8\.39 MB of it were there/),
  })
  const get = ['object', 'get', 'plain/large', join(place, 'large')]
  await interrupted(get)
  expect(await readdir(place)).toEqual([])
  expect((await cli.call(get, environment)).status).toBe(0)
  expect((await readFile(join(place, 'large'))).equals(content)).toBe(true)
})
