import { execFile } from 'node:child_process'
import { stat } from 'node:fs/promises'
import { promisify } from 'node:util'
import { GetObjectCommand, ListBucketsCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { describe, expect, it } from 'vitest'
import { mainAccount, writeBootstrapFile } from '../support/bootstrap.ts'
import { runCommand } from '../support/coffer-command.ts'
import { iamToken } from '../support/control-api.ts'
import { endedServer } from '../support/ended-server.ts'
import { freePort } from '../support/free-port.ts'
import { makeBucket, s3ClientFor } from '../support/s3.ts'
import { startServerProcess } from '../support/server-process.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

/** The value of an `export NAME=value` line. */
function exported(output: string, name: string): string {
  return new RegExp(`^ *export ${name}=(.*)$`, 'm').exec(output)?.[1] ?? ''
}

const credentialsIn = (output: string) => ({
  accessKeyId: exported(output, 'AWS_ACCESS_KEY_ID'),
  secretAccessKey: exported(output, 'AWS_SECRET_ACCESS_KEY'),
})

/** Pairs and keys that other stores, emulators and documents use. */
const WELL_KNOWN = [
  ['minioadmin', 'minioadmin'],
  ['admin', 'admin'],
  ['coffer', 'coffer'],
  ['test', 'test'],
  ['AKIAIOSFODNN7EXAMPLE', 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY'],
] as const

describe('the first start', () => {
  it('is done by coffer init, which tells a program what serve then serves and takes', async () => {
    await using home = await temporaryDirectory()
    const dataDir = home.join('data')
    const keyFile = home.join('instance.key')
    const { status, out, err } = await runCommand(['init', dataDir, '--json', '--instance-key-file', keyFile])
    expect({ status, err }).toEqual({ status: 0, err: '' })
    const made = JSON.parse(out)
    expect(made).toMatchObject({
      ...{ dataDir, instanceKeyFile: keyFile, region: 'us-east-1' },
      ...{ s3Url: 'http://127.0.0.1:9000', controlUrl: 'http://127.0.0.1:9001' },
      ...{ keyProtectInstance: expect.any(String), objectStorageCrn: expect.stringMatching(/^crn:/) },
    })
    await using server = await startServerProcess({ dataDir, settings: { COFFER_INSTANCE_KEY_FILE: keyFile } })
    const { accessKeyId, secretAccessKey, apiKey } = made
    await makeBucket(s3ClientFor({ s3Url: server.s3Url, accessKeyId, secretAccessKey }), 'hello')
    expect(await iamToken(server.controlUrl, apiKey)).toMatch(/^ey/)
  })

  it('prints credentials that work at once for S3 and for tokens, and no later start prints any', async () => {
    await using home = await temporaryDirectory()
    const dataDir = home.join('data')
    await using first = await startServerProcess({ dataDir })
    const credentials = credentialsIn(first.output())
    const apiKey = exported(first.output(), 'IBMCLOUD_API_KEY')
    const client = s3ClientFor({ s3Url: first.s3Url, ...credentials })
    await makeBucket(client, 'hello')
    await client.send(new PutObjectCommand({ Bucket: 'hello', Key: 'hi.txt', Body: 'hi' }))
    expect(await iamToken(first.controlUrl, apiKey)).toMatch(/^ey/)
    expect(exported(first.output(), 'AWS_ENDPOINT_URL_S3')).toBe(first.s3Url)
    expect(exported(first.output(), 'COFFER_CONTROL')).toBe(first.controlUrl)
    await first.stop()

    await using later = await startServerProcess({ dataDir })
    const again = s3ClientFor({ s3Url: later.s3Url, ...credentials })
    const { Body: body } = await again.send(new GetObjectCommand({ Bucket: 'hello', Key: 'hi.txt' }))
    expect(await body?.transformToString()).toBe('hi')
    await later.stop()
    expect(later.output()).toContain('Coffer serves S3 on')
    for (const secret of [credentials.secretAccessKey, apiKey]) expect(later.output()).not.toContain(secret)
    expect(later.output()).not.toMatch(/export |First start|instance key was made/)
  })

  it('prints lines that a shell takes as they stand and with which an S3 client works', async () => {
    await using home = await temporaryDirectory()
    await using server = await startServerProcess({ dataDir: home.join('data') })
    const lines = server
      .output()
      .split('\n')
      .filter((line) => /^ *export /.test(line))
    const { stdout } = await promisify(execFile)('sh', ['-c', `${lines.join('\n')}\nenv`])
    const environment = new Map(
      stdout.split('\n').map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
    )
    const client = s3ClientFor({
      s3Url: environment.get('AWS_ENDPOINT_URL_S3') ?? '',
      region: environment.get('AWS_REGION') ?? '',
      accessKeyId: environment.get('AWS_ACCESS_KEY_ID') ?? '',
      secretAccessKey: environment.get('AWS_SECRET_ACCESS_KEY') ?? '',
    })
    expect((await client.send(new ListBucketsCommand({}))).Buckets).toEqual([])
    expect(environment.get('KP_INSTANCE_ID')).toMatch(/^[0-9a-f-]{36}$/)
    expect(environment.get('COS_INSTANCE_CRN')).toMatch(/^crn:v1:bluemix:public:cloud-object-storage:global:a\//)
    expect(server.output()).toMatch(/aws s3 mb s3:\/\//)
  })

  it('names endpoints that can be connected to when it listens on every address', async () => {
    await using home = await temporaryDirectory()
    const [s3, control] = [await freePort(), await freePort()]
    await using server = await startServerProcess({
      dataDir: home.join('data'),
      s3Port: s3,
      controlPort: control,
      settings: { COFFER_S3_LISTEN: `0.0.0.0:${s3}`, COFFER_CONTROL_LISTEN: `[::]:${control}` },
    })
    expect(exported(server.output(), 'AWS_ENDPOINT_URL_S3')).toBe(`http://127.0.0.1:${s3}`)
    expect(exported(server.output(), 'COFFER_CONTROL')).toBe(`http://[::1]:${control}`)
  })

  it('makes other credentials for every store, and well-known ones open none', async () => {
    await using home = await temporaryDirectory()
    await using one = await startServerProcess({ dataDir: home.join('one') })
    await using other = await startServerProcess({ dataDir: home.join('other') })
    const [mine, theirs] = [credentialsIn(one.output()), credentialsIn(other.output())]
    expect(mine.accessKeyId).not.toBe(theirs.accessKeyId)
    expect(mine.secretAccessKey).not.toBe(theirs.secretAccessKey)
    const strangers = [
      theirs,
      { accessKeyId: theirs.accessKeyId, secretAccessKey: mine.secretAccessKey },
      ...WELL_KNOWN.map(([accessKeyId, secretAccessKey]) => ({ accessKeyId, secretAccessKey })),
    ]
    for (const stranger of strangers) {
      const client = s3ClientFor({ s3Url: one.s3Url, ...stranger })
      await expect(client.send(new ListBucketsCommand({}))).rejects.toMatchObject({ name: 'InvalidAccessKeyId' })
    }
    for (const apiKey of ['', 'apikey', 'coffer', 'admin', exported(other.output(), 'IBMCLOUD_API_KEY')]) {
      await expect(iamToken(one.controlUrl, apiKey)).rejects.toThrow(/answered 400/)
    }
  })

  it('makes the instance key beside the data directory, for its owner only, and says to back it up', async () => {
    await using home = await temporaryDirectory()
    await using server = await startServerProcess({ dataDir: home.join('data') })
    const { mode, size } = await stat(home.join('data.key'))
    expect(mode & 0o777).toBe(0o600)
    expect(size).toBe(32)
    expect(server.output()).toContain(`The instance key was made: ${home.join('data.key')}`)
    expect(server.output()).toMatch(/Back it up now, apart from the data/)
    expect((await stat(home.join('data'))).mode & 0o077).toBe(0)
  })

  it('that fails at a taken port keeps the credentials for the start that serves', async () => {
    await using home = await temporaryDirectory()
    await using holder = await startServerProcess({ dataDir: home.join('holder') })
    const dataDir = home.join('data')
    for (const taken of [
      { COFFER_S3_LISTEN: `127.0.0.1:${holder.s3Port}` },
      { COFFER_CONTROL_LISTEN: `127.0.0.1:${holder.controlPort}` },
    ]) {
      const failed = await endedServer({ COFFER_DATA_DIR: dataDir, ...taken })
      expect(failed).toMatchObject({
        exitCode: 1,
        output: expect.stringMatching(/Port \d+ is taken.*COFFER_S3_LISTEN/),
      })
      expect(failed.output).not.toMatch(/export |\n {4}at /)
    }
    await using server = await startServerProcess({ dataDir })
    const client = s3ClientFor({ s3Url: server.s3Url, ...credentialsIn(server.output()) })
    expect((await client.send(new ListBucketsCommand({}))).Buckets).toEqual([])
  })

  it('with a bootstrap file makes no credentials of its own', async () => {
    await using home = await temporaryDirectory()
    const bootstrapFile = await writeBootstrapFile(home.join('bootstrap.json'), [mainAccount])
    await using server = await startServerProcess({ dataDir: home.join('data'), bootstrapFile })
    const client = s3ClientFor({ s3Url: server.s3Url, ...mainAccount.user })
    expect((await client.send(new ListBucketsCommand({}))).Buckets).toEqual([])
    expect(server.output()).not.toMatch(/export /)
  })
})
