import { execFile } from 'node:child_process'
import { hash, randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { parseArgs, promisify } from 'node:util'
import { PutObjectCommand } from '@aws-sdk/client-s3'
import { makeBucket, s3ClientFor } from '../test/support/s3.ts'
import type { Peer } from './peers/peer.ts'
import { type PeerProcess, peersNamed, startPeer } from './support/peer-process.ts'
import { prove } from './support/prove.ts'
import { scratchDirectory } from './support/scratch.ts'
import { traceSyncs } from './support/trace-syncs.ts'
import { type HashOf, KIB, MIB } from './support/workloads.ts'

/**
 * What is on and off in other S3 servers, seen and not believed: starts each, proves that it answers rightly, traces what it
 * syncs for single PUTs, and looks for the plain bytes of an object in its files. Needs strace.
 */
const { values: options } = parseArgs({
  options: {
    peers: { type: 'string', default: 'all' },
    'peers-dir': { type: 'string', default: process.env['COFFER_BENCH_PEERS_DIR'] },
  },
})

const home = scratchDirectory('coffer-peers')
const payload = path.join(home, 'payload')
const bytes = randomBytes(16 * MIB)
await writeFile(payload, bytes)
const hashOf: HashOf = (size) => hash('sha256', bytes.subarray(0, size), 'hex')

{
  const { peersDir, chosen } = peersNamed(options.peers, options['peers-dir'])
  for (const peer of chosen) {
    console.log(`${peer.name} ${peer.version}\n  durable: ${peer.durability}\n  encrypted: ${peer.encryption}`)
    await using running = await startPeer(peer, peersDir, home)
    await look(peer, running)
  }
}

async function look(peer: Peer, { endpoint, pids, dir }: PeerProcess): Promise<void> {
  const client = s3ClientFor({ s3Url: `http://${endpoint.authority}`, ...endpoint })
  const putOne = async (Key: string, Body: Buffer): Promise<void> => {
    await client.send(new PutObjectCommand({ Bucket: 'traced', Key, Body }))
  }
  for (const bucket of ['traced', 'proved']) {
    await makeBucket(client, bucket)
    await peer.prepareBucket?.(client, bucket)
  }
  // Before the proof: what it deletes goes on being swept up.
  await putOne('first', randomBytes(KIB))
  for (const size of [KIB, 64 * KIB, 4 * MIB]) {
    const marker = randomBytes(24).toString('base64url')
    const body = Buffer.concat([Buffer.from(marker), randomBytes(size - marker.length)])
    const seen = await traceSyncs(pids(), dir, () => putOne(`lone-${size}`, body))
    console.log(`  PUT of ${size / KIB} KiB: ${counted(seen).join(', ') || 'no sync and no rename'}`)
    console.log(`    its bytes are ${(await inFiles(dir, marker)) ? '' : 'not '}in the files as they were sent`)
  }
  await prove({ endpoint, client, bucket: 'proved', dir: home, payload, hashOf })
  console.log('  proved: PUT, GET, ranged GET, HEAD, LIST and DELETE')
}

function counted(lines: readonly string[]): string[] {
  const groups = Map.groupBy(lines, (line) => line)
  return [...groups].map(([line, { length }]) => (length === 1 ? line : `${length} × ${line}`))
}

/** By grep, which skips the holes of sparse files. */
async function inFiles(dir: string, text: string): Promise<boolean> {
  try {
    await promisify(execFile)('grep', ['-rqF', text, dir])
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 1) return false
    throw error
  }
}
