import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { mainAccount, writeBootstrapFile } from '../../support/bootstrap.ts'
import { s3ClientFor } from '../../support/s3.ts'
import { type ServerProcess, startServerProcess } from '../../support/server-process.ts'

const BREAKING = new URL('../../support/breaking-thread.ts', import.meta.url).href
const CLIENTS = 8

let directory: string
let server: ServerProcess | undefined
beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'coffer-threads-'))
})
afterEach(async () => {
  await server?.kill()
  await rm(directory, { recursive: true, force: true })
})

async function start(): Promise<ServerProcess> {
  server = await startServerProcess({
    dataDir: path.join(directory, 'data'),
    bootstrapFile: await writeBootstrapFile(path.join(directory, 'bootstrap.json'), [mainAccount]),
    nodeOptions: ['--import', BREAKING, '--max-old-space-size=256'],
    settings: { COFFER_S3_THREADS: '3', BREAK_FILE: path.join(directory, 'break') },
  })
  return server
}

/** Puts one object after the other until the server does not answer any more. Keys whose puts were acknowledged. */
async function load({ s3Url }: ServerProcess, name: string): Promise<readonly string[]> {
  const client = s3ClientFor({ s3Url, ...mainAccount.user })
  const acknowledged: string[] = []
  for (let index = 0; ; index++) {
    const Key = `${name}-${index}`
    try {
      await client.send(new PutObjectCommand({ Bucket: 'bucket', Key, Body: Key.repeat(1 + (index % 50)) }))
    } catch {
      client.destroy()
      return acknowledged
    }
    acknowledged.push(Key)
  }
}

it.each(['throw', 'memory'])(
  'ends with 75 when one of its threads breaks under load (%s), hangs nobody, and has all that was acknowledged',
  async (way) => {
    const broken = await start()
    await s3ClientFor({ s3Url: broken.s3Url, ...mainAccount.user }).send(new CreateBucketCommand({ Bucket: 'bucket' }))
    const loads = Promise.all(Array.from({ length: CLIENTS }, (_, index) => load(broken, `${index}`)))
    await writeFile(path.join(directory, 'break'), way)
    expect(await broken.ended()).toBe(75)
    const acknowledged = (await loads).flat()
    await rm(path.join(directory, 'break'))
    const client = s3ClientFor({ s3Url: (await start()).s3Url, ...mainAccount.user })
    for (const Key of acknowledged) {
      const { Body } = await client.send(new GetObjectCommand({ Bucket: 'bucket', Key }))
      expect((await Body?.transformToString())?.startsWith(Key)).toBe(true)
    }
    client.destroy()
    await server?.stop()
  },
)
