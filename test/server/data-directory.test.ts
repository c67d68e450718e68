import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { describe, expect, it } from 'vitest'
import { mainAccount, writeBootstrapFile } from '../support/bootstrap.ts'
import { endedServer } from '../support/ended-server.ts'
import { makeBucket, s3ClientFor } from '../support/s3.ts'
import { startServerProcess } from '../support/server-process.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

describe('a data directory', () => {
  it('belongs to one process: a second one is refused, names the first, and harms nothing', async () => {
    await using home = await temporaryDirectory()
    const dataDir = home.join('data')
    const bootstrapFile = await writeBootstrapFile(home.join('bootstrap.json'), [mainAccount])
    await using first = await startServerProcess({ dataDir, bootstrapFile })
    const client = s3ClientFor({ s3Url: first.s3Url, ...mainAccount.user })
    await makeBucket(client, 'kept')
    const refused = await endedServer({ COFFER_DATA_DIR: dataDir, COFFER_BOOTSTRAP_FILE: bootstrapFile })
    expect(refused.exitCode).toBe(11)
    expect(refused.output).toMatch(/^✕ .*data is in use by process (\d+) \(since .*\) {2}\[StoreLocked\]\n$/)
    expect(refused.output).toContain(`process ${first.pid} `)
    await client.send(new PutObjectCommand({ Bucket: 'kept', Key: 'key', Body: 'kept' }))
    expect(await readFile(join(dataDir, 'coffer.pid'), 'utf8')).toMatch(new RegExp(`^${first.pid} `))
  })

  it('is free again at once when its process was killed', async () => {
    await using home = await temporaryDirectory()
    const dataDir = home.join('data')
    const bootstrapFile = await writeBootstrapFile(home.join('bootstrap.json'), [mainAccount])
    await using first = await startServerProcess({ dataDir, bootstrapFile })
    const client = s3ClientFor({ s3Url: first.s3Url, ...mainAccount.user })
    await makeBucket(client, 'kept')
    await client.send(new PutObjectCommand({ Bucket: 'kept', Key: 'key', Body: 'kept' }))
    await first.kill()
    await using second = await startServerProcess({ dataDir, bootstrapFile })
    const again = s3ClientFor({ s3Url: second.s3Url, ...mainAccount.user })
    const { Body: body } = await again.send(new GetObjectCommand({ Bucket: 'kept', Key: 'key' }))
    expect(await body?.transformToString()).toBe('kept')
  })

  it('that cannot be one is refused with how to mend it', async () => {
    await using home = await temporaryDirectory()
    await writeFile(home.join('file'), '')
    for (const dataDir of [home.join('file'), home.join('file', 'below')]) {
      expect(await endedServer({ COFFER_DATA_DIR: dataDir })).toMatchObject({
        exitCode: 9,
        output: expect.stringMatching(
          /^✕ the data directory .* cannot be used .*COFFER_DATA_DIR {2}\[ConfigInvalid\]\n$/,
        ),
      })
    }
  })
})
