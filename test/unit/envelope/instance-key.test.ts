import { randomBytes } from 'node:crypto'
import { chmod, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  type InstanceKeyErrorCode,
  type InstanceKeySettings,
  openInstanceKey,
} from '../../../src/envelope/instance-key.ts'
import { referenceUseKey } from '../../support/reference-envelope.ts'

describe('instance key', () => {
  let directory: string
  let sealFile: string
  let keyFile: string
  const passphrase = 'correct horse battery'

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'coffer-instance-key-'))
    sealFile = join(directory, 'seal.json')
    keyFile = join(directory, 'instance.key')
  })
  afterEach(() => rm(directory, { recursive: true, force: true }))

  const refuses = (settings: InstanceKeySettings, code: InstanceKeyErrorCode) =>
    expect(openInstanceKey(settings)).rejects.toMatchObject({ code })
  const writeKey = async (content: Uint8Array | string, mode = 0o600) => {
    await writeFile(keyFile, content)
    await chmod(keyFile, mode)
  }

  describe('in a file', () => {
    it('is made at the first start when asked, and is the same ever after', async () => {
      using first = await openInstanceKey({ keyFile, sealFile, generateKeyFile: true })
      using second = await openInstanceKey({ keyFile, sealFile, generateKeyFile: true })
      expect([first.created, second.created]).toEqual([true, false])
      expect([first.origin, second.id]).toEqual(['file', first.id])
      expect(second.derive('kms')).toEqual(first.derive('kms'))
      expect(((await stat(keyFile)).mode & 0o777).toString(8)).toBe('600')
      expect((await stat(keyFile)).size).toBe(32)
      expect((await readdir(directory)).sort()).toEqual(['instance.key', 'seal.json'])
    })

    it('leaves no draft of itself once a start follows one that was cut short, and takes nothing else away', async () => {
      using first = await openInstanceKey({ keyFile, sealFile, generateKeyFile: true })
      const uuid = '01234567-89ab-4cde-8f01-23456789abcd'
      const drafts = [`instance.key.${uuid}.tmp`, `seal.json.${uuid}.tmp`]
      const others = [
        `instance.key.${uuid}`,
        `instance.key.${uuid}.tmp.bak`,
        'instance.key.tmp',
        'instance.key.backup.tmp',
        `other.key.${uuid}.tmp`,
      ]
      for (const name of [...drafts, ...others]) await writeFile(join(directory, name), 'secret', { mode: 0o600 })
      using second = await openInstanceKey({ keyFile, sealFile })
      expect(second.id).toBe(first.id)
      expect((await readdir(directory)).sort()).toEqual(['instance.key', 'seal.json', ...others].sort())
    })

    it('may be brought along: raw, hex or base64, with a line end', async () => {
      const key = randomBytes(32)
      const forms = [key, key.toString('hex'), `${key.toString('hex').toUpperCase()}\n`]
      const ids = new Set<string>()
      for (const form of [...forms, key.toString('base64'), `${key.toString('base64url')}\r\n`]) {
        await writeKey(form, 0o400)
        using opened = await openInstanceKey({ keyFile, sealFile })
        expect(opened.created).toBe(false)
        expect(opened.derive('iam')).toEqual(referenceUseKey(key, 'iam'))
        ids.add(opened.id)
        await rm(keyFile)
      }
      expect([...ids]).toEqual([referenceUseKey(key, 'id').toString('hex', 0, 16)])
    })

    it.each([[''], ['short'], ['z'.repeat(64)], ['ab'.repeat(33)], ['0'.repeat(64)], ['a'.repeat(5_000)]])(
      'InstanceKeyInvalid: %j',
      async (content) => {
        await writeKey(content)
        await refuses({ keyFile, sealFile }, 'InstanceKeyInvalid')
      },
    )

    it('InstanceKeyInvalid: not a file', async () => {
      await refuses({ keyFile: directory, sealFile }, 'InstanceKeyInvalid')
    })

    it.each([0o640, 0o604, 0o660, 0o620, 0o601])('InstanceKeyInsecure: mode %o', async (mode) => {
      await writeKey(randomBytes(32), mode)
      await refuses({ keyFile, sealFile }, 'InstanceKeyInsecure')
    })

    it('looks through a symbolic link at the file itself', async () => {
      await writeKey(randomBytes(32), 0o644)
      const linked = join(directory, 'linked.key')
      await symlink(keyFile, linked)
      await refuses({ keyFile: linked, sealFile }, 'InstanceKeyInsecure')
    })

    it('InstanceKeyMissing: no file, and none asked for', async () => {
      await refuses({ keyFile, sealFile }, 'InstanceKeyMissing')
      await refuses({ sealFile }, 'InstanceKeyMissing')
    })

    it('InstanceKeyMissing: a store that has a key never gets another one', async () => {
      await (await openInstanceKey({ keyFile, sealFile, generateKeyFile: true }))[Symbol.dispose]()
      await rm(keyFile)
      await refuses({ keyFile, sealFile, generateKeyFile: true }, 'InstanceKeyMissing')
      expect(await readdir(directory)).toEqual(['seal.json'])
    })

    it('InstanceKeyWrong: the key of another store, before anything is touched', async () => {
      await (await openInstanceKey({ keyFile, sealFile, generateKeyFile: true }))[Symbol.dispose]()
      const seal = await readFile(sealFile, 'utf8')
      await writeKey(randomBytes(32))
      await refuses({ keyFile, sealFile, generateKeyFile: true }, 'InstanceKeyWrong')
      expect(await readFile(sealFile, 'utf8')).toBe(seal)
    })

    it('starts again after a crash between key file and seal file', async () => {
      const first = await openInstanceKey({ keyFile, sealFile, generateKeyFile: true })
      await rm(sealFile)
      expect((await openInstanceKey({ keyFile, sealFile, generateKeyFile: true })).id).toBe(first.id)
    })
  })

  describe('under a passphrase', () => {
    it('is made at the first start and is the same ever after', async () => {
      using first = await openInstanceKey({ passphrase, sealFile })
      using second = await openInstanceKey({ passphrase, sealFile })
      expect([first.created, second.created]).toEqual([true, false])
      expect([first.origin, second.id]).toEqual(['passphrase', first.id])
      expect(second.derive('records')).toEqual(first.derive('records'))
      expect(((await stat(sealFile)).mode & 0o777).toString(8)).toBe('600')
    })

    it('InstanceKeyWrong: another passphrase', async () => {
      await (await openInstanceKey({ passphrase, sealFile }))[Symbol.dispose]()
      await refuses({ passphrase: `${passphrase}!`, sealFile }, 'InstanceKeyWrong')
    })

    it('InstanceKeyInvalid: fewer than 12 characters', async () => {
      await refuses({ passphrase: '😀'.repeat(11), sealFile }, 'InstanceKeyInvalid')
      expect(await readdir(directory)).toEqual([])
    })

    it('InstanceKeyMissing: none given for a store that has one', async () => {
      await (await openInstanceKey({ passphrase, sealFile }))[Symbol.dispose]()
      await refuses({ keyFile, sealFile, generateKeyFile: true }, 'InstanceKeyMissing')
      await refuses({ sealFile }, 'InstanceKeyMissing')
    })

    it('InstanceKeyMissing: a passphrase for a store that has a key file', async () => {
      await (await openInstanceKey({ keyFile, sealFile, generateKeyFile: true }))[Symbol.dispose]()
      await refuses({ passphrase, sealFile }, 'InstanceKeyMissing')
    })

    it('a changed seal file opens nothing', async () => {
      await (await openInstanceKey({ passphrase, sealFile }))[Symbol.dispose]()
      const seal = JSON.parse(await readFile(sealFile, 'utf8'))
      const flipped = Buffer.from(seal.sealed, 'base64')
      flipped.writeUInt8(flipped.readUInt8(75) ^ 1, 75)
      const wrong = [
        { ...seal, keyId: '0'.repeat(32) },
        { ...seal, kdf: { ...seal.kdf, passes: 2 } },
        { ...seal, kdf: { ...seal.kdf, salt: randomBytes(16).toString('base64') } },
        { ...seal, sealed: flipped.toString('base64') },
      ]
      for (const content of wrong) {
        await writeFile(sealFile, JSON.stringify(content))
        await refuses({ passphrase, sealFile }, 'InstanceKeyWrong')
      }
      const invalid = [
        { ...seal, v: 2 },
        { ...seal, extra: 1 },
        { ...seal, method: 'none' },
        { ...seal, sealed: 5 },
      ]
      const costs = [{ memoryKiB: 8 }, { memoryKiB: 2 ** 40 }, { passes: 0 }, { parallelism: 1e9 }, { name: 'argon2i' }]
      const texts = [...invalid, ...costs.map((cost) => ({ ...seal, kdf: { ...seal.kdf, ...cost } }))]
      for (const text of [...texts.map((content) => JSON.stringify(content)), '', '{', 'null']) {
        await writeFile(sealFile, text)
        await refuses({ passphrase, sealFile }, 'InstanceKeyInvalid')
      }
    })
  })

  it('InstanceKeyInvalid: both a key file and a passphrase', async () => {
    await refuses({ keyFile, passphrase, sealFile }, 'InstanceKeyInvalid')
  })

  it('InstanceKeyInvalid: a seal file that cannot be written', async () => {
    await refuses({ passphrase, sealFile: join(directory, 'no', 'such', 'seal.json') }, 'InstanceKeyInvalid')
  })

  it('has another key for each use, and none after it is disposed', async () => {
    const key = await openInstanceKey({ keyFile, sealFile, generateKeyFile: true })
    const uses = (['kms', 'iam', 'token', 'records', 'audit'] as const).map((use) => key.derive(use).toString('hex'))
    expect(new Set(uses).size).toBe(5)
    expect(key.id).toMatch(/^[0-9a-f]{32}$/)
    key[Symbol.dispose]()
    expect(() => key.derive('kms')).toThrow('gone')
  })
})
