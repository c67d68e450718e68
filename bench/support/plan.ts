import { createHmac, hash } from 'node:crypto'
import { writeFile } from 'node:fs/promises'

export interface Endpoint {
  /** `host:port` */
  readonly authority: string
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly region: string
  /** Of its certificate, where it speaks TLS. PEM. */
  readonly ca?: string
}

export interface PlannedRequest {
  readonly method: 'GET' | 'PUT' | 'HEAD' | 'DELETE' | 'POST'
  /** Encoded as S3 wants it in the canonical request. */
  readonly path: string
  /** Sorted and encoded, without `?`. */
  readonly query?: string
  /** Not signed: lower-case names. */
  readonly headers?: Readonly<Record<string, string | number>>
  /** Of the payload file, from its beginning. */
  readonly bodyBytes?: number
  /** Hex, or UNSIGNED-PAYLOAD. */
  readonly bodyHash?: string
}

const EMPTY = hash('sha256', '', 'hex')

/** Writes the requests of one run, signed by SigV4, in the form that the load generator reads. They hold for 15 minutes. */
export async function writePlan(file: string, endpoint: Endpoint, requests: Iterable<PlannedRequest>): Promise<void> {
  const sign = signer(endpoint, new Date())
  const parts: Buffer[] = []
  for (const request of requests) {
    const head = Buffer.from(sign(request), 'latin1')
    const lengths = Buffer.alloc(12)
    lengths.writeUInt32LE(head.length, 0)
    lengths.writeBigUInt64LE(BigInt(request.bodyBytes ?? 0), 4)
    parts.push(lengths, head)
  }
  await writeFile(file, Buffer.concat(parts))
}

/** Without a signature, for servers that know nothing of it. */
export async function writePlainPlan(file: string, authority: string, request: PlannedRequest): Promise<void> {
  const { method, path, bodyBytes = 0 } = request
  const head = `${method} ${path} HTTP/1.1\r\nhost: ${authority}\r\ncontent-length: ${bodyBytes}\r\n\r\n`
  const lengths = Buffer.alloc(12)
  lengths.writeUInt32LE(head.length, 0)
  lengths.writeBigUInt64LE(BigInt(bodyBytes), 4)
  await writeFile(file, Buffer.concat([lengths, Buffer.from(head, 'latin1')]))
}

function signer({ authority, accessKeyId, secretAccessKey, region }: Endpoint, at: Date) {
  const time = at.toISOString().replace(/[-:]|\.\d+/g, '')
  const date = time.slice(0, 8)
  const scope = `${date}/${region}/s3/aws4_request`
  const key = [date, region, 's3', 'aws4_request'].reduce<string | Buffer>(hmac, `AWS4${secretAccessKey}`)
  const signed = 'host;x-amz-content-sha256;x-amz-date'
  return ({ method, path, query = '', headers = {}, bodyBytes, bodyHash = EMPTY }: PlannedRequest): string => {
    const named = `host:${authority}\nx-amz-content-sha256:${bodyHash}\nx-amz-date:${time}\n`
    const canonical = [method, path, query, named, signed, bodyHash].join('\n')
    const text = ['AWS4-HMAC-SHA256', time, scope, hash('sha256', canonical, 'hex')].join('\n')
    const signature = hmac(key, text).toString('hex')
    const credential = `AWS4-HMAC-SHA256 Credential=${accessKeyId}/${scope}, SignedHeaders=${signed}`
    return [
      `${method} ${path}${query && `?${query}`} HTTP/1.1`,
      `host: ${authority}`,
      `x-amz-content-sha256: ${bodyHash}`,
      `x-amz-date: ${time}`,
      `authorization: ${credential}, Signature=${signature}`,
      ...(bodyBytes === undefined ? [] : [`content-length: ${bodyBytes}`]),
      ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
      '\r\n',
    ].join('\r\n')
  }
}

const hmac = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest()
