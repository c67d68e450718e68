import { once } from 'node:events'
import { createServer, request } from 'node:https'
import { expect, it } from 'vitest'
import { logLine } from '../../../src/api/s3/access-log/line.ts'
import { testCertificates } from '../../support/certificate.ts'

it('a line of the access log names a cipher as OpenSSL does', async () => {
  const { ca, cert, key } = testCertificates()
  const lines: string[] = []
  const server = createServer({ cert, key, maxVersion: 'TLSv1.2' }, (incoming, response) => {
    lines.push(
      logLine({
        ...{ bucketOwner: 'owner', bucket: 'bucket', timeMs: 0, remoteIp: '::1', requester: 'me', requestId: 'R' },
        ...{ operation: 'REST.GET.OBJECT', key: 'key', incoming, status: 200, errorCode: undefined, bytesSent: 1 },
        ...{ objectBytes: 1, totalMs: 1, turnAroundMs: 1, versionId: undefined, signedBy: 'AuthHeader' },
        aclRequired: false,
      }),
    )
    response.end()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' ? address?.port : undefined
  const outgoing = request({
    host: '127.0.0.1',
    port,
    ca,
    ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256',
    agent: false,
  }).end()
  const [reply] = await once(outgoing, 'response')
  reply.resume()
  server.close()
  expect(lines[0]?.split(' ').slice(-7)).toEqual([
    'SigV4',
    'ECDHE-ECDSA-AES128-GCM-SHA256',
    'AuthHeader',
    `127.0.0.1:${port}`,
    'TLSV1.2',
    '-',
    '-',
  ])
})
