import { execFile } from 'node:child_process'
import { mkdir, readdir, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { expect, it } from 'vitest'
import { mainAccount, writeBootstrapFile } from '../support/bootstrap.ts'
import { s3ClientFor } from '../support/s3.ts'
import { startServerProcess } from '../support/server-process.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const ROOT = join(import.meta.dirname, '../..')
const run = promisify(execFile)

it('the package serves and commands where it was installed, below node_modules', async () => {
  await using home = await temporaryDirectory()
  const modules = home.join('node_modules')
  await mkdir(join(modules, 'coffer'), { recursive: true })
  // As `npm install` does with the packed package; what it needs is here already.
  await run('npm', ['pack', '--ignore-scripts', '--silent', '--pack-destination', home.join('.')], { cwd: ROOT })
  const packed = (await readdir(home.join('.'))).find((name) => name.endsWith('.tgz')) ?? ''
  await run('tar', ['xzf', home.join(packed), '-C', join(modules, 'coffer'), '--strip-components', '1'])
  for (const name of await readdir(join(ROOT, 'node_modules')))
    if (!name.startsWith('.')) await symlink(join(ROOT, 'node_modules', name), join(modules, name))

  const main = join(modules, 'coffer/src/server/main.js')
  await using server = await startServerProcess({
    ...{ dataDir: home.join('data'), main, settings: { COFFER_S3_THREADS: '2' } },
    bootstrapFile: await writeBootstrapFile(home.join('bootstrap.json'), [mainAccount]),
  })
  const client = s3ClientFor({ s3Url: server.s3Url, ...mainAccount.user })
  await client.send(new CreateBucketCommand({ Bucket: 'bucket' }))
  for (let n = 0; n < 20; n++) await client.send(new PutObjectCommand({ Bucket: 'bucket', Key: `${n}`, Body: `${n}` }))
  const read = await client.send(new GetObjectCommand({ Bucket: 'bucket', Key: '7' }))
  expect(await read.Body?.transformToString()).toBe('7')
  client.destroy()
  expect(await (await fetch(`${server.controlUrl}/ui/`)).text()).toContain('<title>Coffer')

  const env = {
    ...{ PATH: process.env['PATH'], HOME: home.join('.'), AWS_ENDPOINT_URL_S3: server.s3Url },
    ...{ AWS_ACCESS_KEY_ID: mainAccount.user.accessKeyId, AWS_SECRET_ACCESS_KEY: mainAccount.user.secretAccessKey },
  }
  const { stdout, stderr } = await run(process.execPath, [main, 'object', 'cat', 'bucket/11'], { env })
  expect([stdout, stderr]).toEqual(['11', ''])
  await server.stop()
  expect(server.output()).not.toContain('Warning')
})
