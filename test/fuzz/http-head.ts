import { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import { readRequest } from '../../src/api/s3/read-request.ts'
import type { S3Request } from '../../src/api/s3/request.ts'

const socket = new Socket()

/** A request as Node's parser hands it over: `METHOD target`, then `name: value` on lines of their own. */
export function requestFrom(head: Buffer): S3Request {
  const [first = '', ...lines] = head.toString('latin1').split('\n')
  const [method = '', ...target] = first.split(' ')
  const incoming = new IncomingMessage(socket)
  incoming.httpVersion = '1.1'
  incoming.method = method
  incoming.url = target.join(' ')
  incoming.rawHeaders = lines.flatMap((line) => {
    const colon = line.indexOf(':')
    return colon < 1 ? [] : [line.slice(0, colon), line.slice(colon + 1).replace(/^[ \t]+|[ \t]+$/g, '')]
  })
  return readRequest(incoming, {
    id: 'fuzz',
    domains: ['s3.example.com'],
    websiteDomains: ['web.example.com'],
    secure: false,
  })
}

export const headOf = (method: string, target: string, headers: Readonly<Record<string, string>>): Buffer =>
  Buffer.from(
    [`${method} ${target}`, ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`)].join('\n'),
  )
