import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { decryptCommand } from '../../src/decrypt/command.ts'
import { proveCommand } from '../../src/prove/command.ts'
import { FROZEN, FROZEN_FILES } from '../support/frozen.ts'
import { CUSTOMER_KEY_HEADERS } from '../support/full-store.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

// What earlier releases wrote opens by the documents of this one, too.

const releases = await readdir(FROZEN)
const text = z.string()
const portrait = z.object({
  buckets: z.record(
    text,
    z.object({
      versions: z.array(
        z.object({ Key: text, VersionId: text, content: z.union([text, z.object({ hash: text })]).optional() }),
      ),
    }),
  ),
})
const indexLine = z.object({ bucket: text, key: text, versionId: text, sha256: text })

async function told(command: typeof decryptCommand, ...args: readonly string[]) {
  const [out, err] = [new PassThrough({ encoding: 'utf8' }), new PassThrough({ encoding: 'utf8' })]
  const status = await command(args, { out, err })
  return { status, out: String(out.read()), err: String(err.read()) }
}

describe.each(releases)('the data directory of release %s', (release) => {
  const store = join(FROZEN, release, FROZEN_FILES.store)
  const keyIn = async (directory: string) => {
    const path = join(directory, 'key')
    await writeFile(path, await readFile(join(FROZEN, release, FROZEN_FILES.instanceKey)))
    return path
  }

  it('opens as its server told of it', async () => {
    await using home = await temporaryDirectory()
    const key = await keyIn(home.path)
    await writeFile(home.join('customer'), CUSTOMER_KEY_HEADERS.SSECustomerKey)
    const run = await told(
      decryptCommand,
      'get',
      store,
      '--all',
      '--versions',
      '--to',
      home.join('all'),
      '--key-file',
      key,
      '--customer-key',
      home.join('customer'),
    )
    expect(run).toMatchObject({ status: 0, err: expect.stringContaining('0 that are damaged') })
    const lines = (await readFile(home.join('all', 'index.jsonl'), 'utf8')).trimEnd().split('\n')
    const opened = new Map(
      lines.map((line) => {
        const { bucket, key: name, versionId, sha256 } = indexLine.parse(JSON.parse(line))
        return [`${bucket}/${name} ${versionId}`, sha256]
      }),
    )
    const json: unknown = JSON.parse(await readFile(join(FROZEN, release, FROZEN_FILES.portrait), 'utf8'))
    const expected = Object.entries(portrait.parse(json).buckets).flatMap(([bucket, { versions }]) =>
      versions.flatMap((one): [string, string][] =>
        typeof one.content === 'object' ? [[`${bucket}/${one.Key} ${one.VersionId}`, one.content.hash]] : [],
      ),
    )
    expect(expected.length).toBeGreaterThan(10)
    // A locked bucket tells its clients nothing of its contents; whoever has the instance key opens those, too.
    for (const [name, hash] of expected) expect([name, opened.get(name)]).toEqual([name, hash])
  })

  it('holds nothing but ciphertext and what is in clear by design', async () => {
    await using home = await temporaryDirectory()
    const run = await told(proveCommand, store, '--key-file', await keyIn(home.path), '--sample', '10000')
    expect([run.status, run.out]).toEqual([0, expect.stringContaining('✓ nothing found')])
  })
})
