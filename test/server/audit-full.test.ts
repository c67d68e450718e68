import { readdir, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { DeleteObjectCommand, GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { describe, expect, it } from 'vitest'
import { readPublicKeys } from '../../src/audit/keys.ts'
import { verifyLog } from '../../src/audit/verify.ts'
import { mainAccount, writeBootstrapFile } from '../support/bootstrap.ts'
import { createRootKey, iamToken } from '../support/control-api.ts'
import { makeBucket, s3ClientFor } from '../support/s3.ts'
import { startServerProcess } from '../support/server-process.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

/** Largest size of any file of the server: the audit log reaches it, the stores do not. EFBIG then, as on a full disk. */
const LIMIT_KIB = 192
const MAIN = path.join(import.meta.dirname, '../../src/server/main.js')

const statusOf = (error: unknown): unknown =>
  typeof error === 'object' && error !== null && '$metadata' in error ? error.$metadata : error

describe.runIf(process.platform === 'linux')('a server whose audit log cannot grow', () => {
  it('uses no key, changes none and issues no token; deletes go on, it says why, and a start with space goes on', async () => {
    await using home = await temporaryDirectory()
    const dataDir = home.join('data')
    const bootstrapFile = await writeBootstrapFile(home.join('bootstrap.json'), [mainAccount])
    // Limits this process, then becomes the server.
    const limited = home.join('limited.mjs')
    await writeFile(
      limited,
      `import { execFileSync } from 'node:child_process'
       execFileSync('prlimit', ['--pid', String(process.pid), '--fsize=${LIMIT_KIB * 1024}'])
       process.argv[1] = ${JSON.stringify(MAIN)}
       await import(${JSON.stringify(MAIN)})`,
    )
    const audit = path.join(dataDir, 'audit')
    let keys = ''
    {
      await using server = await startServerProcess({ dataDir, bootstrapFile, main: limited })
      keys = await (await fetch(`${server.controlUrl}/audit/public-key`)).text()
      const client = s3ClientFor({ s3Url: server.s3Url, ...mainAccount.user })
      await makeBucket(client, 'full')
      for (const Key of ['a', 'b']) await client.send(new PutObjectCommand({ Bucket: 'full', Key, Body: 'body' }))
      const get = async () => {
        const { Body } = await client.send(new GetObjectCommand({ Bucket: 'full', Key: 'a' }))
        await Body?.transformToByteArray()
      }
      let refusal: unknown
      for (let turn = 0; turn < 5000 && refusal === undefined; turn++) await get().catch((error) => (refusal = error))
      expect(statusOf(refusal)).toMatchObject({ httpStatusCode: 503 })
      const put = client.send(new PutObjectCommand({ Bucket: 'full', Key: 'c', Body: 'body' }))
      expect(statusOf(await put.catch((error: unknown) => error))).toMatchObject({ httpStatusCode: 503 })
      await expect(iamToken(server.controlUrl)).rejects.toThrow(/503/)
      const ready = await fetch(`${server.controlUrl}/health/ready`)
      expect([ready.status, await ready.text()]).toEqual([503, expect.stringContaining('audit log')])
      await client.send(new DeleteObjectCommand({ Bucket: 'full', Key: 'b' }))
      expect(server.output()).toContain('THE AUDIT LOG CANNOT BE WRITTEN')
      await server.kill()
    }
    const sizes = await Promise.all(
      (await readdir(audit)).map(async (name) => (await stat(path.join(audit, name))).size),
    )
    expect(Math.max(...sizes)).toBe(LIMIT_KIB * 1024)

    await using server = await startServerProcess({ dataDir, bootstrapFile })
    await createRootKey(server.controlUrl, 'again')
    const report = await verifyLog({ source: { type: 'directory', path: audit }, keys: readPublicKeys(keys) })
    expect(report).toMatchObject({ first: undefined, fromSeq: 1 })
  })
})
