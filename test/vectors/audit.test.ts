import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { fileName } from '../../src/audit/format.ts'
import { openSigningKey, readPublicKeys } from '../../src/audit/keys.ts'
import { verifyLog } from '../../src/audit/verify.ts'

// The frozen logs of docs/audit-log.md, made by an implementation of its own in another language. A change that makes one
// of these fail makes logs that were exported years ago unverifiable, or lets through what must not pass.

const vectorsSchema = z.strictObject({
  seed: z.string(),
  keyId: z.string(),
  publicKeyPem: z.string(),
  vectors: z.array(
    z.strictObject({
      name: z.string(),
      files: z.array(z.strictObject({ number: z.int(), content: z.base64url() })),
      /** A line that was there once. */
      expected: z.strictObject({ seq: z.int(), hash: z.string() }).optional(),
      expect: z.strictObject({
        outcome: z.enum(['verified', 'unsigned', 'bad']),
        fromSeq: z.int().optional(),
        throughSeq: z.int().optional(),
        unsignedLines: z.int().optional(),
        files: z.int().optional(),
        /** Hash of the last line. */
        head: z.string().optional(),
        /** Of the first bad line: number of the file, and line in it; 0 when it is about the log as a whole. */
        file: z.int().optional(),
        line: z.int().optional(),
      }),
    }),
  ),
})

const path = join(import.meta.dirname, 'audit/vectors.json')
const { seed, keyId, publicKeyPem, vectors } = vectorsSchema.parse(JSON.parse(await readFile(path, 'utf8')))

let home: string
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'coffer-vectors-'))
})
afterAll(() => rm(home, { recursive: true }))

describe('vectors of the audit log', () => {
  it('are of the key that follows from the seed', () => {
    const key = openSigningKey(Buffer.from(seed, 'hex'))
    expect(key).toMatchObject({ keyId, publicKeyPem })
  })

  it.each(vectors)('$name', async ({ files, expected: once, expect: { head, file, line, ...expected } }) => {
    const directory = await mkdtemp(join(home, 'log-'))
    for (const { number, content } of files) {
      await writeFile(join(directory, fileName(number)), Buffer.from(content, 'base64url'))
    }
    const report = await verifyLog({
      source: { type: 'directory', path: directory },
      keys: readPublicKeys(publicKeyPem),
      ...(once ? { expected: once } : {}),
    })
    expect(report).toMatchObject(expected)
    if (head !== undefined) expect(report.signed?.hash).toBe(head)
    const bad = report.first && { file: report.first.file, line: report.first.line }
    const where = (number: number) => (number === 0 ? '' : join(directory, fileName(number)))
    expect(bad).toEqual(file === undefined ? undefined : { file: where(file), line })
  })
})
