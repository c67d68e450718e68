import { hash } from 'node:crypto'
import path from 'node:path'
import { GetObjectCommand, HeadObjectCommand, type S3Client } from '@aws-sdk/client-s3'
import { keysOf } from '../../test/support/s3.ts'
import { runLoad } from './load.ts'
import { type Endpoint, type PlannedRequest, writePlan } from './plan.ts'
import { type HashOf, KIB, MIB, put } from './workloads.ts'

export interface Proof {
  readonly endpoint: Endpoint
  readonly client: S3Client
  readonly bucket: string
  /** For the plan. */
  readonly dir: string
  readonly payload: string
  readonly hashOf: HashOf
}

const SIZES = [0, KIB, 64 * KIB, MIB, 9 * MIB]
const EACH = 20
/** More than the head of an answer, or one entry of a listing, ever is. */
const HEAD_BYTES = 4 * KIB

/**
 * That a server answers the requests of the load generator rightly, before any of them is timed: each with 2xx and as many
 * bytes as it should, and what was written by it is what the AWS SDK reads and lists. Leaves nothing in the bucket.
 */
export async function prove(proof: Proof): Promise<void> {
  const { client, bucket, hashOf } = proof
  const keys: string[] = []
  for (const size of SIZES) {
    const names = Array.from({ length: EACH }, (_, n) => `proof/${size}/${n}`)
    const to = (method: 'GET' | 'HEAD', headers = {}): PlannedRequest[] =>
      names.map((name) => ({ method, path: `/${bucket}/${name}`, headers }))
    const puts = names.map((name) => put(bucket, name, size, hashOf))
    await send(proof, puts, 0)
    await send(proof, to('GET'), size * EACH)
    await send(proof, to('HEAD'), 0)
    if (size >= KIB) await send(proof, to('GET', { range: 'bytes=500-999' }), 500 * EACH)
    for (const key of names.slice(0, 2)) await readsAs(client, bucket, key, size, hashOf(size))
    keys.push(...names)
  }
  same('keys listed', (await keysOf(client, bucket)).join(), keys.sort().join())
  const lists: PlannedRequest[] = Array.from({ length: EACH }, () => ({
    method: 'GET',
    path: `/${bucket}`,
    query: 'list-type=2&max-keys=1000&prefix=proof%2F',
  }))
  await send(proof, lists, keys.join('').length * EACH, { mostBytes: keys.length * EACH * HEAD_BYTES })
  const deletes = keys.map((name): PlannedRequest => ({ method: 'DELETE', path: `/${bucket}/${name}` }))
  // One after the other: s3rver answers some with 500 when neighbours are deleted at once.
  await send(proof, deletes, 0, { connections: 1 })
  same('keys left', (await keysOf(client, bucket)).length, 0)
}

async function send(
  { endpoint, dir, payload }: Proof,
  requests: readonly PlannedRequest[],
  leastBytes: number,
  { mostBytes = leastBytes + requests.length * HEAD_BYTES, connections = 4 } = {},
): Promise<void> {
  const plan = path.join(dir, 'proof.plan')
  await writePlan(plan, endpoint, requests)
  const { hostname: host, port } = new URL(`http://${endpoint.authority}`)
  const once = { connections, warmUpMs: 0, measuredMs: 60_000, loop: false }
  const result = await runLoad({ host, port: Number(port), tls: endpoint.ca !== undefined, plan, payload, ...once })
  const { method } = requests[0] ?? {}
  if (result.failures > 0) throw new Error(`${method}: ${result.failures} failures: ${result.firstFailure}`)
  same(`answers to ${method}`, result.answers, requests.length)
  if (result.receivedBytes < leastBytes || result.receivedBytes > mostBytes)
    throw new Error(`${method}: ${result.receivedBytes} bytes received, not ${leastBytes} to ${mostBytes}`)
}

async function readsAs(client: S3Client, Bucket: string, Key: string, size: number, sha256: string): Promise<void> {
  const { ContentLength } = await client.send(new HeadObjectCommand({ Bucket, Key }))
  same(`Content-Length of ${Key}`, ContentLength, size)
  const { Body } = await client.send(new GetObjectCommand({ Bucket, Key }))
  const bytes = (await Body?.transformToByteArray()) ?? Buffer.alloc(0)
  same(`SHA-256 of ${Key}`, hash('sha256', bytes, 'hex'), sha256)
}

function same(what: string, found: unknown, expected: unknown): void {
  if (found !== expected) throw new Error(`${what}: ${found}, not ${expected}`)
}
