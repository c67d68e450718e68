import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo, Server } from 'node:net'
import { describe, expect, it } from 'vitest'
import { Secret } from '../../src/base/secret.ts'
import { issuerDocuments } from '../../src/server/issuer-documents.ts'
import { webhooks } from '../../src/server/notifications/webhooks.ts'
import { DEFAULT_LIMITS, openTargetClient } from '../../src/server/replication/s3-client.ts'
import { testCertificates } from '../support/certificate.ts'

/** Whatever this server asks of others, on behalf of whoever: where it goes, and where it does not. */

interface Listening extends AsyncDisposable {
  readonly port: number
  readonly connections: () => number
  readonly requests: readonly string[]
}

async function started(server: Server, requests: readonly string[]): Promise<Listening> {
  let connections = 0
  server.on('connection', () => connections++)
  server.on('tlsClientError', () => {})
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    connections: () => connections,
    requests,
    [Symbol.asyncDispose]: async () => {
      if ('closeAllConnections' in server) (server as ReturnType<typeof createServer>).closeAllConnections()
      server.close()
    },
  }
}

const listening = (answer: RequestListener): Promise<Listening> => {
  const requests: string[] = []
  const server = createServer((incoming, response) => {
    requests.push(`${incoming.method} ${incoming.url} ${incoming.headers.authorization ?? ''}`)
    incoming.resume()
    answer(incoming, response)
  })
  return started(server, requests)
}
const ok: RequestListener = (_incoming, response) => void response.end('{}')
const leadingTo =
  (status: number, location: string): RequestListener =>
  (_incoming, response) =>
    void response.writeHead(status, { location }).end()

describe('An identity provider, whose URL an account chooses,', () => {
  const tls = testCertificates()
  const secure = async (): Promise<Listening> => {
    const requests: string[] = []
    const server = createTlsServer({ cert: tls.cert, key: tls.key }, (incoming, response) => {
      requests.push(`${incoming.method} ${incoming.url}`)
      response.end('{}')
    })
    return started(server, requests)
  }
  const THUMBPRINTS = { thumbprints: ['0'.repeat(40)] }

  it.each(['127.0.0.1', 'localhost', '2130706433', '127.1', '[::ffff:127.0.0.1]'])(
    'is not asked in this machine: %s',
    async (host) => {
      await using inside = await secure()
      const url = new URL(`https://${host}:${inside.port}/.well-known/openid-configuration`)
      const ask = issuerDocuments({ ca: tls.ca })
      await expect(ask(url, { thumbprints: [] })).rejects.toMatchObject({ code: 'IssuerUnreachable' })
      await expect(ask(url, THUMBPRINTS)).rejects.toMatchObject({ code: 'IssuerUnreachable' })
      // Other networks that the operator allows do not open this one.
      const elsewhere = issuerDocuments({ ca: tls.ca, networks: ['10.0.0.0/8'], namedIssuers: ['http://idp.example'] })
      await expect(elsewhere(url, THUMBPRINTS)).rejects.toMatchObject({ code: 'IssuerUnreachable' })
      expect(inside.connections()).toBe(0)
    },
  )

  it.each(['http://169.254.169.254/latest/meta-data/', 'https://[fd00:ec2::254]/', 'https://192.168.0.1/'])(
    'is not asked where clouds keep credentials, or in the network: %s',
    async (url) => {
      const asked = issuerDocuments({})(new URL(url), THUMBPRINTS)
      await expect(asked).rejects.toMatchObject({ code: 'IssuerUnreachable' })
      await expect(asked).rejects.toMatchObject({ cause: { message: expect.stringContaining('may not be reached') } })
    },
  )

  it('is asked where the operator allows it', async () => {
    await using inside = await secure()
    const url = new URL(`https://localhost:${inside.port}/x`)
    const ask = issuerDocuments({ ca: tls.ca, networks: ['127.0.0.1'] })
    expect(await ask(url, { thumbprints: [] })).toBe('{}')
    await using plain = await listening(ok)
    const issuer = `http://127.0.0.1:${plain.port}`
    expect(await issuerDocuments({ namedIssuers: [issuer] })(new URL(`${issuer}/keys`), { thumbprints: [] })).toBe('{}')
  })
})

describe('A webhook, whose URL the operator gave,', () => {
  it.each([301, 302, 303, 307, 308])('leads nowhere else, nor its token: %i', async (status) => {
    await using inside = await listening(ok)
    await using hook = await listening(leadingTo(status, `http://127.0.0.1:${inside.port}/metadata`))
    const tell = webhooks([{ name: 'orders', url: `http://127.0.0.1:${hook.port}/events` }], {
      ...{ token: new Secret('the token'), region: 'us-east-1' },
    })
    const event = {
      ...{ target: 'orders', subscription: 's', bucket: { name: 'b', ownerId: 'o' }, timeMs: 0, event: undefined },
      ...{ iamId: 'IBMid-a', requestId: 'r', sourceIp: '192.0.2.1', sequencer: 's' },
    }
    await expect(tell(event)).rejects.toThrow()
    expect([hook.connections() > 0, inside.connections()]).toEqual([true, 0])
  })
})

describe('A replication target, whose URL the operator gave,', () => {
  it.each([301, 302, 307, 308])('leads nowhere else, nor its signatures: %i', async (status) => {
    await using inside = await listening(ok)
    await using target = await listening(leadingTo(status, `http://127.0.0.1:${inside.port}/metadata`))
    const { sdk, client } = await openTargetClient(
      {
        name: 'dr',
        endpoint: `http://127.0.0.1:${target.port}`,
        region: 'us-east-1',
        kind: 's3',
        sealed: false,
        accounts: [],
      },
      { accessKeyId: 'AKID', secretAccessKey: new Secret('secret') },
      DEFAULT_LIMITS,
    )
    await expect(client.send(new sdk.PutObjectCommand({ Bucket: 'b', Key: 'k', Body: 'x' }))).rejects.toThrow()
    await expect(client.send(new sdk.HeadObjectCommand({ Bucket: 'b', Key: 'k' }))).rejects.toThrow()
    client.destroy()
    expect([target.requests.length, inside.connections()]).toEqual([2, 0])
  })
})
