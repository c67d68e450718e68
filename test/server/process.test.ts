import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { GetObjectCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { mainAccount, writeBootstrapFile } from '../support/bootstrap.ts'
import { createRootKey, iamToken } from '../support/control-api.ts'
import { freePort } from '../support/free-port.ts'
import { makeBucket, s3ClientFor } from '../support/s3.ts'
import { type ServerProcess, startServerProcess } from '../support/server-process.ts'
import { type TemporaryDirectory, temporaryDirectory } from '../support/temporary-directory.ts'

const MAIN = 'src/server/main.js'
const PASSPHRASE = 'correct horse battery staple'
const { secretAccessKey, apiKey } = mainAccount.user

let home: TemporaryDirectory
let server: ServerProcess
let client: S3Client
let inspectorPort: number
beforeAll(async () => {
  home = await temporaryDirectory()
  inspectorPort = await freePort()
  server = await startServerProcess({
    dataDir: home.join('data'),
    bootstrapFile: await writeBootstrapFile(home.join('bootstrap.json'), [mainAccount]),
    settings: { COFFER_LOG_LEVEL: 'debug', COFFER_INSTANCE_PASSPHRASE: PASSPHRASE },
    // Where the inspector would listen, and reports that an operator's environment may have switched on.
    nodeOptions: [
      `--inspect-port=127.0.0.1:${inspectorPort}`,
      '--report-on-signal',
      '--report-uncaught-exception',
      '--report-on-fatalerror',
      `--report-directory=${home.path}`,
    ],
  })
  client = s3ClientFor({ s3Url: server.s3Url, ...mainAccount.user })
})
afterAll(async () => {
  await server[Symbol.asyncDispose]()
  await home[Symbol.asyncDispose]()
})

describe('a server process', () => {
  it('writes no secret and no token, whatever it is asked', async () => {
    await makeBucket(client, 'bucket')
    await client.send(
      new PutObjectCommand({
        Bucket: 'bucket',
        Key: 'key',
        Body: 'PLAIN-OF-OBJECT',
        Metadata: { m: 'PLAIN-OF-METADATA' },
      }),
    )
    const { crn } = await createRootKey(server.controlUrl, 'root')
    await makeBucket(client, 'customer-managed', crn)
    const token = await iamToken(server.controlUrl)
    const presigned = new URL(await getSignedUrl(client, new GetObjectCommand({ Bucket: 'bucket', Key: 'key' })))
    const signature = presigned.searchParams.get('X-Amz-Signature') ?? ''
    const bearer = { authorization: `Bearer ${token}` }
    const replies = [
      await fetch(presigned),
      await fetch(`${presigned}x`),
      await fetch(`${server.s3Url}/bucket/key`, { headers: bearer }),
      await fetch(`${server.s3Url}/bucket/key?secret=${apiKey}`),
      await fetch(`${server.s3Url}/${secretAccessKey}`, {
        headers: { authorization: `AWS4-HMAC-SHA256 ${secretAccessKey}` },
      }),
      await fetch(`${server.controlUrl}/identity/token?apikey=${apiKey}`, { method: 'POST', body: `apikey=${apiKey}` }),
      await fetch(`${server.controlUrl}/identity/token`, {
        method: 'POST',
        body: new URLSearchParams({ grant_type: 'nonsense', apikey: apiKey }),
      }),
      await fetch(`${server.controlUrl}/api/v2/keys`, {
        headers: { ...bearer, 'bluemix-instance': mainAccount.keyProtectInstance },
      }),
      await fetch(`${server.controlUrl}/api/v2/keys`, {
        method: 'POST',
        headers: { ...bearer, 'bluemix-instance': mainAccount.keyProtectInstance, 'content-type': 'application/json' },
        body: `{"payload": "${secretAccessKey}", broken`,
      }),
    ]
    const bodies = await Promise.all(replies.map((reply) => reply.text()))
    expect(replies[0]?.status).toBe(200)
    await expect(
      s3ClientFor({ s3Url: server.s3Url, accessKeyId: mainAccount.user.accessKeyId, secretAccessKey: 'wrong' }).send(
        new GetObjectCommand({ Bucket: 'bucket', Key: 'key' }),
      ),
    ).rejects.toMatchObject({ name: 'SignatureDoesNotMatch' })

    const seen = server.output()
    expect(seen).toContain('GetObject')
    const secrets = [
      apiKey,
      PASSPHRASE,
      token,
      token.split('.')[2] ?? token,
      signature,
      'PLAIN-OF-OBJECT',
      'PLAIN-OF-METADATA',
      'AWS4-HMAC',
    ]
    for (const secret of secrets) expect(seen).not.toContain(secret)
    // Where a client put its secret into a bucket's name, the log has that name; an answer may quote it to that client.
    expect(seen.replaceAll(`"bucket":"${secretAccessKey}"`, '')).not.toContain(secretAccessKey)
    for (const body of bodies.slice(1))
      for (const secret of [apiKey, PASSPHRASE, token]) expect(body).not.toContain(secret)
  })

  it('has no secret in its title or arguments', async () => {
    for (const file of ['cmdline', 'comm']) {
      const shown = await readFile(`/proc/${server.pid}/${file}`, 'latin1')
      for (const secret of [secretAccessKey, apiKey, PASSPHRASE]) expect(shown).not.toContain(secret)
    }
  })

  it('does not open the inspector on SIGUSR1', async () => {
    process.kill(server.pid, 'SIGUSR1')
    await answers()
    // Node starts the inspector from a thread of its own: a wait is all there is.
    await sleep(500)
    await expect(once(connect(inspectorPort, '127.0.0.1'), 'connect')).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    expect(server.output()).not.toMatch(/Debugger listening/)
  })

  it.each([
    ['npm start', startedBy(JSON.parse(readFileSync('package.json', 'utf8')).scripts.start)],
    [
      'the program itself',
      startedBy(readFileSync(MAIN, 'utf8').split('\n', 1)[0]?.replace('#!/usr/bin/env -S ', '') ?? ''),
    ],
    ['docker compose', startedByImage('docker-compose.yml')],
    ['docker compose, split', startedByImage('docker-compose.split.yml')],
  ])('does not open it however early the signal comes: started by %s', async (_how, flags) => {
    const port = await freePort()
    const child = spawn(process.execPath, [...flags, `--inspect-port=127.0.0.1:${port}`, MAIN, '--help'])
    let shown = ''
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (bytes: Buffer) => {
        shown += bytes
      })
    const signals = setInterval(() => child.kill('SIGUSR1'), 3)
    await once(child, 'close')
    clearInterval(signals)
    expect(shown).not.toContain('Debugger listening')
  })

  it('leaves its memory out of core dumps', async () => {
    expect(await readFile(`/proc/${server.pid}/coredump_filter`, 'utf8')).toMatch(/^0+\n$/)
  })

  it('works with sixteen threads beside the main one', async () => {
    await client.send(new PutObjectCommand({ Bucket: 'bucket', Key: 'key', Body: 'body' }))
    const tasks = await readdir(`/proc/${server.pid}/task`)
    const names = await Promise.all(tasks.map((task) => readFile(`/proc/${server.pid}/task/${task}/comm`, 'utf8')))
    expect(names.filter((name) => name.trim() === 'libuv-worker')).toHaveLength(16)
  })

  it('leaves the number of threads to an operator who gives one', async () => {
    await using other = await startServerProcess({ dataDir: home.join('other'), settings: { UV_THREADPOOL_SIZE: '3' } })
    const tasks = await readdir(`/proc/${other.pid}/task`)
    const names = await Promise.all(tasks.map((task) => readFile(`/proc/${other.pid}/task/${task}/comm`, 'utf8')))
    expect(names.filter((name) => name.trim() === 'libuv-worker')).toHaveLength(3)
  })

  it('writes no diagnostic report of its memory and environment', async () => {
    process.kill(server.pid, 'SIGUSR2')
    await sleep(300)
    const written = await readdir(home.path)
    expect(written.filter((name) => name.startsWith('report.'))).toEqual([])
  })
})

/** Flags of Node in a command line `node … file`. */
function startedBy(command: string): readonly string[] {
  return command.split(' ').filter((word) => word.startsWith('--'))
}

function startedByImage(file: string): readonly string[] {
  const command = /CMD (\["node".*\])/.exec(readFileSync(file, 'utf8'))?.[1] ?? '[]'
  const words: string[] = JSON.parse(command)
  return startedBy(words.join(' '))
}

async function answers(): Promise<void> {
  expect((await fetch(`${server.controlUrl}/health/live`)).status).toBe(200)
}
