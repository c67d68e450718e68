import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { readPublicKeys } from '../../src/audit/keys.ts'
import { openKeyBundle } from '../../src/envelope/key-bundle.ts'
import { openRepository } from '../../src/server/backup/repository.ts'
import { verifyBackup } from '../../src/server/backup/verify-backup.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

// The frozen repositories and bundles of docs/backup.md, made by an implementation of its own in another language. A change
// that makes one of these fail makes backups that were taken years ago unreadable, or lets through what must not pass.

const vectorsSchema = z.strictObject({
  instanceKey: z.hex(),
  publicKeyPem: z.string(),
  passphrase: z.string(),
  repositories: z.array(
    z.strictObject({
      name: z.string(),
      files: z.record(z.string(), z.base64()),
      expect: z.enum(['whole', 'finding', 'BackupInvalid']),
    }),
  ),
  bundles: z.array(
    z.strictObject({
      name: z.string(),
      text: z.string(),
      expect: z.union([z.strictObject({ rows: z.hex() }), z.strictObject({ code: z.string() })]),
    }),
  ),
})

const path = join(import.meta.dirname, 'backup/vectors.json')
const vectors = vectorsSchema.parse(JSON.parse(await readFile(path, 'utf8')))

describe('a backup repository', () => {
  it.each(vectors.repositories)('that is $name: $expect', async ({ files, expect: expected }) => {
    await using home = await temporaryDirectory()
    for (const [name, content] of Object.entries(files)) {
      await mkdir(dirname(home.join(name)), { recursive: true })
      await writeFile(home.join(name), Buffer.from(content, 'base64'))
    }
    const repository = await openRepository(home.path)
    const [id = ''] = await repository.ids()
    const keys = readPublicKeys(vectors.publicKeyPem)
    const verified = verifyBackup(repository, id, { keys, quick: false, known: new Set() })
    if (expected === 'BackupInvalid') return await expect(verified).rejects.toMatchObject({ code: expected })
    const { findings, signed } = await verified
    if (expected === 'finding') return expect(findings.length).toBeGreaterThan(0)
    expect({ findings, signed }).toEqual({ findings: [], signed: true })
  })
})

describe('a key bundle', () => {
  it.each(vectors.bundles)('that is $name', async ({ text, expect: expected }) => {
    const opened = openKeyBundle(text, vectors.passphrase)
    if ('code' in expected) return await expect(opened).rejects.toMatchObject({ code: expected.code })
    const { instanceKey, rows } = await opened
    expect(instanceKey.toString('hex')).toBe(vectors.instanceKey)
    expect(rows.toString('hex')).toBe(expected.rows)
  })
})
