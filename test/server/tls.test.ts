import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { chmod, rename, writeFile } from 'node:fs/promises'
import { get as plainGet } from 'node:http'
import { get } from 'node:https'
import { connect as connectPlain } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { type ConnectionOptions, connect, getCiphers, type PeerCertificate, type TLSSocket } from 'node:tls'
import { GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { beforeEach, describe, expect, it } from 'vitest'
import { createLogger } from '../../src/observe/logger.ts'
import { readConfig } from '../../src/server/config.ts'
import { followTlsFiles } from '../../src/server/tls-files.ts'
import { mainAccount, writeBootstrapFile } from '../support/bootstrap.ts'
import { type TestCertificates, testCertificates } from '../support/certificate.ts'
import { runCommand } from '../support/coffer-command.ts'
import { contentBytes } from '../support/content.ts'
import { endedServer } from '../support/ended-server.ts'
import { signRaw } from '../support/raw-s3.ts'
import { makeBucket, s3ClientFor } from '../support/s3.ts'
import { type ServerProcess, startServerProcess } from '../support/server-process.ts'
import { type TemporaryDirectory, temporaryDirectory } from '../support/temporary-directory.ts'

let home: TemporaryDirectory
let certificates: TestCertificates
beforeEach(async () => {
  home = await temporaryDirectory()
  certificates = testCertificates()
  return () => home[Symbol.asyncDispose]()
})

async function put(name: string, content: string, mode = 0o600): Promise<string> {
  await writeFile(home.join(`${name}.new`), content, { mode })
  await rename(home.join(`${name}.new`), home.join(name))
  return home.join(name)
}

async function settings({ cert, ca, key }: TestCertificates) {
  return {
    COFFER_TLS_CERTIFICATE_FILE: await put('cert.pem', cert + ca, 0o644),
    COFFER_TLS_KEY_FILE: await put('key.pem', key),
  }
}

async function start(): Promise<ServerProcess> {
  const bootstrapFile = await writeBootstrapFile(home.join('bootstrap.json'), [mainAccount])
  const { ca } = certificates
  return startServerProcess({ dataDir: home.join('data'), bootstrapFile, settings: await settings(certificates), ca })
}

const clientOf = ({ s3Url }: ServerProcess) => s3ClientFor({ s3Url, ca: certificates.ca, ...mainAccount.user })

async function secured(port: number, options: ConnectionOptions = {}): Promise<TLSSocket> {
  const socket = connect({ port, host: '127.0.0.1', ca: certificates.ca, ...options })
  socket.on('error', () => {})
  await once(socket, 'secureConnect')
  return socket
}

async function shownBy(port: number): Promise<PeerCertificate> {
  const socket = await secured(port, { rejectUnauthorized: false })
  const shown = socket.getPeerCertificate()
  socket.destroy()
  return shown
}

describe('listeners with a certificate', () => {
  it('serve S3 and the control APIs over TLS 1.3 and 1.2 to clients that check it, and refuse everything else', async () => {
    await using server = await start()
    const client = clientOf(server)
    const content = contentBytes('over TLS', 3 * 1024 * 1024)
    await makeBucket(client, 'bucket')
    await client.send(new PutObjectCommand({ Bucket: 'bucket', Key: 'object', Body: content }))
    const { Body: body } = await client.send(new GetObjectCommand({ Bucket: 'bucket', Key: 'object' }))
    expect(Buffer.from((await body?.transformToByteArray()) ?? []).equals(content)).toBe(true)

    const [ready] = await once(
      get(`${server.controlUrl}/health/ready`, { ca: certificates.ca, agent: false }),
      'response',
    )
    expect(ready.statusCode).toBe(200)
    ready.resume()
    expect(server.output()).toContain(`S3 on https://127.0.0.1:${server.s3Port}`)

    for (const port of [server.s3Port, server.controlPort]) {
      for (const [version, protocol] of [
        ['TLSv1.3', 'TLSv1.3'],
        ['TLSv1.2', 'TLSv1.2'],
      ] as const) {
        const socket = await secured(port, { maxVersion: version })
        expect(socket.getProtocol()).toBe(protocol)
        socket.destroy()
      }
      const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const
      await expect(secured(port, old)).rejects.toThrow()
      await expect(secured(port, { maxVersion: 'TLSv1.2', ciphers: 'AES256-SHA256' })).rejects.toThrow()
      await expect(once(plainGet(`http://127.0.0.1:${port}/`, { agent: false }), 'response')).rejects.toThrow()
    }
    // Nothing of that hurts those who come after.
    await client
      .send(new GetObjectCommand({ Bucket: 'bucket', Key: 'object' }))
      .then(({ Body }) => Body?.transformToString())
    await server.stop()
  })

  it('agree on approved algorithms alone, whatever is offered', async () => {
    await using server = await start()
    const agreed = (options: ConnectionOptions) =>
      secured(server.s3Port, options).then(
        (socket) => {
          const { name } = socket.getCipher()
          socket.destroy()
          return name
        },
        () => 'refused',
      )
    expect(await agreed({ minVersion: 'TLSv1.3', ciphers: 'TLS_CHACHA20_POLY1305_SHA256' })).toBe('refused')
    for (const curve of ['X25519', 'X448']) expect(await agreed({ ecdhCurve: curve })).toBe('refused')
    for (const curve of ['X25519MLKEM768', 'SecP256r1MLKEM768', 'P-256', 'P-384', 'P-521', 'X25519:P-256'])
      expect([curve, await agreed({ ecdhCurve: curve })]).toEqual([curve, 'TLS_AES_256_GCM_SHA384'])
    expect(await agreed({ maxVersion: 'TLSv1.2', ecdhCurve: 'X25519' })).toBe('refused')
  })

  it('take no suite of TLS 1.2 without forward secrecy and authenticated encryption, whatever is offered', async () => {
    await using server = await start()
    const taken: string[] = []
    const offered = getCiphers().filter((name) => !name.startsWith('tls_'))
    for (const name of offered) {
      const ciphers = `${name.toUpperCase()}:@SECLEVEL=0`
      const socket = await secured(server.s3Port, { maxVersion: 'TLSv1.2', ciphers }).catch(() => undefined)
      if (socket) taken.push(socket.getCipher().name)
      socket?.destroy()
    }
    expect(offered.length).toBeGreaterThan(40)
    expect(taken.sort()).toEqual(['ECDHE-ECDSA-AES128-GCM-SHA256', 'ECDHE-ECDSA-AES256-GCM-SHA384'])
  })

  it('with client authorities: the control listener serves those who show a certificate of theirs and nobody else, S3 serves all', async () => {
    const { client, ca } = certificates
    const bootstrapFile = await writeBootstrapFile(home.join('bootstrap.json'), [mainAccount])
    const given = { ...(await settings(certificates)), COFFER_CONTROL_CLIENT_CA_FILE: await put('clients.pem', ca) }
    await using server = await startServerProcess({
      dataDir: home.join('data'),
      bootstrapFile,
      settings: given,
      ca,
      client,
    })
    const live = async (shown: object) => {
      const asked = get(`${server.controlUrl}/health/live`, { ca, agent: false, ...shown })
      const [reply] = await once(asked, 'response')
      reply.resume()
      return reply.statusCode
    }
    expect(await live(client)).toBe(200)
    const doctor = async (dataDir: string): Promise<unknown[]> => {
      const { out } = await runCommand(['doctor', '--json'], {
        ...given,
        COFFER_DATA_DIR: dataDir,
        COFFER_S3_LISTEN: `127.0.0.1:${server.s3Port}`,
        COFFER_CONTROL_LISTEN: `127.0.0.1:${server.controlPort}`,
      })
      return out
        .trim()
        .split('\n')
        .map((line): unknown => JSON.parse(line))
    }
    const well = (message: string) =>
      expect.objectContaining({ check: 'server', verdict: 'ok', message: expect.stringContaining(message) })
    expect(await doctor(home.join('data'))).toContainEqual(well('it runs, and is well'))
    // As whoever may not ask by the data directory.
    expect(await doctor(home.join('none'))).toContainEqual(well('it runs, and lets in'))
    await expect(live({})).rejects.toThrow(/certificate required|ECONNRESET|socket hang up|EPIPE/)
    await expect(live(testCertificates().client)).rejects.toThrow(/unknown ca|ECONNRESET|socket hang up|EPIPE/)
    // A renewal of the server's own certificate asks for clients' as before.
    const renewed = testCertificates()
    await put('key.pem', renewed.key)
    await put('cert.pem', renewed.cert + renewed.ca, 0o644)
    process.kill(server.pid, 'SIGHUP')
    await expect
      .poll(async () => (await shownBy(server.s3Port)).serialNumber, { timeout: 10_000 })
      .not.toBe(new X509Certificate(certificates.cert).serialNumber)
    expect(await live({ ...client, ca: renewed.ca })).toBe(200)
    await expect(live({ ca: renewed.ca })).rejects.toThrow(/certificate required|ECONNRESET|socket hang up|EPIPE/)
  })

  it('client authorities without TLS, or that are none, are refused at the start', async () => {
    const clients = { COFFER_CONTROL_CLIENT_CA_FILE: await put('clients.pem', 'no certificate') }
    const plain = await endedServer({ COFFER_DATA_DIR: home.join('data'), ...clients })
    expect(plain.exitCode).toBe(9)
    expect(plain.output).toContain('COFFER_CONTROL_CLIENT_CA_FILE needs TLS')
    const wrong = await endedServer({
      COFFER_DATA_DIR: home.join('data'),
      ...clients,
      ...(await settings(certificates)),
    })
    expect(wrong.exitCode).toBe(9)
    expect(wrong.output).toContain('holds no certificates in PEM')
  })

  it('an answer to bytes that are no HTTP goes through TLS as well', async () => {
    await using server = await start()
    const answers = [
      [server.s3Port, '<Code>BadRequest</Code>'],
      [server.controlPort, '{"error":{"code":"Unreadable",'],
    ] as const
    for (const [port, expected] of answers) {
      const socket = await secured(port)
      socket.write('this is no HTTP\r\n\r\n')
      let answer = ''
      for await (const chunk of socket) answer += chunk
      expect(answer).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/)
      expect(answer).toContain(expected)
      // Who speaks no TLS is told nothing.
      const plain = connectPlain(port, '127.0.0.1', () => plain.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n'))
      let heard = ''
      plain.on('data', (bytes) => {
        heard += bytes.toString('latin1')
      })
      plain.on('error', () => {})
      await once(plain, 'close')
      expect(heard).not.toContain('HTTP')
    }
  })

  it('a renewed certificate is shown to new connections after SIGHUP, and one that cannot be used is not', async () => {
    await using server = await start()
    const before = await shownBy(server.s3Port)
    const renewed = testCertificates()

    await settings({ ...renewed, key: certificates.key })
    process.kill(server.pid, 'SIGHUP')
    while (!server.output().includes('cannot be used')) await sleep(20)
    expect((await shownBy(server.s3Port)).fingerprint256).toBe(before.fingerprint256)

    const open = await secured(server.s3Port)
    await settings(renewed)
    process.kill(server.pid, 'SIGHUP')
    while (!server.output().includes('was renewed')) await sleep(20)
    for (const port of [server.s3Port, server.controlPort]) {
      const { fingerprint256 } = await shownBy(port)
      expect(fingerprint256).not.toBe(before.fingerprint256)
    }
    expect(open.destroyed).toBe(false)
    open.destroy()
    expect(server.running()).toBe(true)
  })

  it('drain: a running download finishes, idle ones and handshakes that never end are closed, and the process ends with 0', async () => {
    await using server = await start()
    const client = clientOf(server)
    const content = contentBytes('long', 24 * 1024 * 1024)
    await makeBucket(client, 'bucket')
    await client.send(new PutObjectCommand({ Bucket: 'bucket', Key: 'long', Body: content }))
    const { headers } = signRaw(server.s3Url, { method: 'GET', path: '/bucket/long' })
    const asked = get(`${server.s3Url}/bucket/long`, { ca: certificates.ca, headers, agent: false })
    const [download] = await once(asked, 'response')
    const idle = await secured(server.s3Port)
    const mute = connectPlain(server.s3Port, '127.0.0.1')
    await once(mute, 'connect')
    const closed = Promise.all([once(idle.resume(), 'close'), once(mute.resume(), 'close')])

    process.kill(server.pid, 'SIGTERM')
    await closed
    const chunks: Buffer[] = []
    for await (const chunk of download) chunks.push(chunk)
    expect(Buffer.concat(chunks).equals(content)).toBe(true)
    expect(await server.ended()).toBe(0)
  })
})

describe('a server does not start', () => {
  it('with a key of another certificate: exit code 9, and what is wrong', async () => {
    const { COFFER_TLS_CERTIFICATE_FILE } = await settings(certificates)
    const COFFER_TLS_KEY_FILE = await put('other.pem', testCertificates().key)
    const given = { COFFER_DATA_DIR: home.join('data'), COFFER_TLS_CERTIFICATE_FILE, COFFER_TLS_KEY_FILE }
    const { exitCode, output } = await endedServer(given)
    expect([exitCode, output]).toEqual([9, expect.stringContaining('is not the one of the first certificate')])
  })

  it('with one of the two files alone', () => {
    for (const name of ['COFFER_TLS_CERTIFICATE_FILE', 'COFFER_TLS_KEY_FILE']) {
      expect(() => readConfig([], { [name]: '/a.pem' })).toThrow('belong together')
    }
  })

  it('with a file that is not there, that is none, or a key that others may read', async () => {
    const given = await settings(certificates)
    const paths = { certificateFile: given.COFFER_TLS_CERTIFICATE_FILE, keyFile: given.COFFER_TLS_KEY_FILE }
    const open = await put('open.pem', certificates.key, 0o644)
    const words = await put('words.pem', 'words')
    const log = createLogger('silent')
    await expect(followTlsFiles({ ...paths, keyFile: home.join('none') }, log)).rejects.toThrow('cannot be read')
    await expect(followTlsFiles({ ...paths, keyFile: words }, log)).rejects.toThrow('is no private key in PEM')
    await expect(followTlsFiles({ ...paths, certificateFile: words }, log)).rejects.toThrow('is no certificate in PEM')
    await expect(followTlsFiles({ ...paths, keyFile: open }, log)).rejects.toThrow(`chmod 600 ${open}`)
  })
})

describe('a renewed certificate', () => {
  const follow = async (given: TestCertificates) => {
    const { COFFER_TLS_CERTIFICATE_FILE: certificateFile, COFFER_TLS_KEY_FILE: keyFile } = await settings(given)
    return followTlsFiles({ certificateFile, keyFile }, createLogger('silent'))
  }

  it('is taken once its key has the rights that it was first written without', async () => {
    using files = await follow(certificates)
    const renewed = testCertificates()
    await put('cert.pem', renewed.cert + renewed.ca, 0o644)
    const keyFile = await put('key.pem', renewed.key, 0o644)
    await files.look()
    expect(files.current().key).toBe(certificates.key)
    await chmod(keyFile, 0o600)
    await files.look()
    expect(files.current()).toEqual({ cert: renewed.cert + renewed.ca, key: renewed.key })
  })

  it('is not shown while the rest of its chain is being written', async () => {
    using files = await follow(certificates)
    const { cert, ca, key } = testCertificates()
    await put('key.pem', key)
    for (const more of ['-----BEGIN', ca.slice(0, 100), ca.slice(0, -10)]) {
      await put('cert.pem', cert + more, 0o644)
      await files.look()
      expect(files.current().key).toBe(certificates.key)
    }
    await put('cert.pem', `of whom it is\n${cert}of who says so\n${ca}`, 0o644)
    await files.look()
    expect(files.current().key).toBe(key)
  })
})
