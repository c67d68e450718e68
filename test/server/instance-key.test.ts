import { randomBytes } from 'node:crypto'
import { chmod, mkdir, readdir, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { refuseKeyInside } from '../../src/server/data-directory.ts'
import { mainAccount, writeBootstrapFile } from '../support/bootstrap.ts'
import { endedServer } from '../support/ended-server.ts'
import { makeBucket, s3ClientFor } from '../support/s3.ts'
import { type ServerProcess, startServerProcess } from '../support/server-process.ts'
import { type TemporaryDirectory, temporaryDirectory } from '../support/temporary-directory.ts'

const PASSPHRASE = 'correct horse battery staple'

let home: TemporaryDirectory
let bootstrapFile: string
beforeAll(async () => {
  home = await temporaryDirectory()
  bootstrapFile = await writeBootstrapFile(home.join('bootstrap.json'), [mainAccount])
})
afterAll(() => home[Symbol.asyncDispose]())

const read = async ({ s3Url }: ServerProcess): Promise<string | undefined> => {
  const client = s3ClientFor({ s3Url, ...mainAccount.user })
  const { Body: body } = await client.send(new GetObjectCommand({ Bucket: 'kept', Key: 'key' }))
  return body?.transformToString()
}

/** Starts once, stores an object and stops. */
async function makeStore(dataDir: string, settings: Readonly<Record<string, string>> = {}): Promise<void> {
  await using server = await startServerProcess({ dataDir, bootstrapFile, settings })
  const client = s3ClientFor({ s3Url: server.s3Url, ...mainAccount.user })
  await makeBucket(client, 'kept')
  await client.send(new PutObjectCommand({ Bucket: 'kept', Key: 'key', Body: 'kept' }))
  await server.stop()
}

/** Names, sizes and times of everything in a data directory but the two files of its lock. */
async function state(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile() && !entry.name.startsWith('coffer.'))
  const lines = files.map(async ({ parentPath, name }) => {
    const { size, mtimeMs } = await stat(join(parentPath, name))
    return `${join(parentPath, name)} ${size} ${mtimeMs}`
  })
  return (await Promise.all(lines)).sort()
}

describe('a key file', () => {
  it('that is missing, wrong, open to others or no key at all is refused, and the store is not touched', async () => {
    const dataDir = home.join('data')
    const keyFile = `${dataDir}.key`
    await makeStore(dataDir)
    const key = await readFile(keyFile)
    const before = await state(dataDir)
    const settings = { COFFER_DATA_DIR: dataDir, COFFER_BOOTSTRAP_FILE: bootstrapFile }

    await rename(keyFile, `${keyFile}.away`)
    expect(await endedServer(settings)).toMatchObject({
      exitCode: 12,
      output: expect.stringMatching(
        /^✕ there is no key file .*data\.key; restore its backup .*COFFER_INSTANCE_KEY_FILE.* {2}\[InstanceKeyMissing\]\n$/,
      ),
    })
    // It is not made anew: nothing could be read with it.
    await expect(stat(keyFile)).rejects.toMatchObject({ code: 'ENOENT' })

    await writeFile(keyFile, Buffer.from(key).reverse(), { mode: 0o600 })
    expect(await endedServer(settings)).toMatchObject({
      exitCode: 12,
      output: expect.stringMatching(/\[InstanceKeyWrong\]\n$/),
    })

    await writeFile(keyFile, 'not a key')
    expect(await endedServer(settings)).toMatchObject({
      exitCode: 12,
      output: expect.stringMatching(/is not a key file.*\[InstanceKeyInvalid\]\n$/),
    })

    await writeFile(keyFile, key)
    for (const mode of [0o640, 0o604]) {
      await chmod(keyFile, mode)
      expect(await endedServer(settings)).toMatchObject({
        exitCode: 12,
        output: expect.stringMatching(/chmod 600 .*\[InstanceKeyInsecure\]\n$/),
      })
    }
    expect(await endedServer({ ...settings, COFFER_INSTANCE_PASSPHRASE: PASSPHRASE })).toMatchObject({
      exitCode: 12,
      output: expect.stringMatching(/sealed with a key file.*\[InstanceKeyMissing\]\n$/),
    })
    expect(await state(dataDir)).toEqual(before)

    await chmod(keyFile, 0o600)
    await using server = await startServerProcess({ dataDir, bootstrapFile })
    expect(await read(server)).toBe('kept')
  })

  it('is found where COFFER_INSTANCE_KEY_FILE says, raw, as hex or as base64', async () => {
    const dataDir = home.join('elsewhere')
    const keyFile = home.join('keys', 'instance.key')
    await mkdir(home.join('keys'), { mode: 0o700 })
    await makeStore(dataDir, { COFFER_INSTANCE_KEY_FILE: keyFile })
    const key = await readFile(keyFile)
    for (const text of [`${key.toString('hex')}\n`, key.toString('base64')]) {
      await writeFile(keyFile, text)
      await using server = await startServerProcess({
        dataDir,
        bootstrapFile,
        settings: { COFFER_INSTANCE_KEY_FILE: keyFile },
      })
      expect(await read(server)).toBe('kept')
    }
    await expect(stat(`${dataDir}.key`)).rejects.toMatchObject({ code: 'ENOENT' })
  })

  it('inside the data directory is refused, by whatever way it leads there, and nothing is made', async () => {
    const dataDir = home.join('inside')
    await mkdir(join(dataDir, 'keys'), { recursive: true })
    await symlink(dataDir, home.join('link'))
    await writeFile(join(dataDir, 'keys', 'target.key'), randomBytes(32), { mode: 0o600 })
    await symlink(join(dataDir, 'keys', 'target.key'), home.join('link.key'))
    const inside = [
      join(dataDir, 'instance.key'),
      join(dataDir, 'keys', 'k'),
      home.join('link', 'k'),
      `${home.path}/x/../inside/k`,
      home.join('link.key'),
    ]
    const refused = expect.stringMatching(/inside the data directory .*move it elsewhere .*COFFER_INSTANCE_KEY_FILE/)
    for (const keyFile of inside) {
      await expect(refuseKeyInside(keyFile, dataDir)).rejects.toMatchObject({ code: 'ConfigInvalid', message: refused })
    }
    for (const keyFile of [`${dataDir}.key`, home.join('inside-not', 'k'), join(dataDir, '..', 'k')]) {
      await expect(refuseKeyInside(keyFile, dataDir)).resolves.toBeUndefined()
    }
    const [keyFile = ''] = inside
    const ended = await endedServer({ COFFER_DATA_DIR: dataDir, COFFER_INSTANCE_KEY_FILE: keyFile })
    expect(ended).toMatchObject({ exitCode: 9, output: refused })
    expect(await readdir(dataDir)).toEqual(['keys'])
  })

  it('that cannot be made is an error that says so, and the store stays new', async () => {
    const dataDir = home.join('unmade')
    expect(
      await endedServer({ COFFER_DATA_DIR: dataDir, COFFER_INSTANCE_KEY_FILE: home.join('none', 'k') }),
    ).toMatchObject({
      exitCode: 12,
      output: expect.stringMatching(/cannot be made.*\[InstanceKeyInvalid\]/),
    })
    await makeStore(dataDir)
  })

  it('is not made for a store whose seal file is gone', async () => {
    const dataDir = home.join('unsealed')
    await makeStore(dataDir)
    await rename(join(dataDir, 'instance-key.json'), home.join('seal'))
    await rename(`${dataDir}.key`, home.join('key'))
    const settings = { COFFER_DATA_DIR: dataDir, COFFER_BOOTSTRAP_FILE: bootstrapFile }
    const refused = {
      exitCode: 12,
      output: expect.stringMatching(/instance-key\.json.*backup.*\[InstanceKeyMissing\]\n$/),
    }
    expect(await endedServer(settings)).toMatchObject(refused)
    expect(await endedServer({ ...settings, COFFER_INSTANCE_PASSPHRASE: PASSPHRASE })).toMatchObject(refused)
    await expect(stat(`${dataDir}.key`)).rejects.toMatchObject({ code: 'ENOENT' })
    await rename(home.join('seal'), join(dataDir, 'instance-key.json'))
    await rename(home.join('key'), `${dataDir}.key`)
    await using server = await startServerProcess({ dataDir, bootstrapFile })
    expect(await read(server)).toBe('kept')
  })
})

describe('a passphrase', () => {
  it('seals the store instead of a key file, from the environment or a file, and a wrong or missing one is refused', async () => {
    const dataDir = home.join('passphrase')
    const file = home.join('passphrase.txt')
    await writeFile(file, `${PASSPHRASE}\n`, { mode: 0o600 })
    await makeStore(dataDir, { COFFER_INSTANCE_PASSPHRASE: PASSPHRASE })
    await expect(stat(`${dataDir}.key`)).rejects.toMatchObject({ code: 'ENOENT' })
    const before = await state(dataDir)
    const settings = { COFFER_DATA_DIR: dataDir, COFFER_BOOTSTRAP_FILE: bootstrapFile }
    expect(
      await endedServer({ ...settings, COFFER_INSTANCE_PASSPHRASE: 'correct horse battery stapler' }),
    ).toMatchObject({
      exitCode: 12,
      output: expect.stringMatching(/^✕ the passphrase is not the one .*\[InstanceKeyWrong\]\n$/),
    })
    expect(await endedServer(settings)).toMatchObject({
      exitCode: 12,
      output: expect.stringMatching(/sealed with a passphrase.*COFFER_INSTANCE_PASSPHRASE.*\[InstanceKeyMissing\]\n$/),
    })
    expect(await state(dataDir)).toEqual(before)
    await using server = await startServerProcess({
      dataDir,
      bootstrapFile,
      settings: { COFFER_INSTANCE_PASSPHRASE_FILE: file },
    })
    expect(await read(server)).toBe('kept')
    expect(server.output()).not.toContain(PASSPHRASE)
    await server.stop()
    await rm(file)
  })
})
