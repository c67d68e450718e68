import { execFile } from 'node:child_process'
import { generateKeyPairSync, sign } from 'node:crypto'
import { once } from 'node:events'
import { cp, mkdir, readdir, readFile, rm, rmdir, symlink, truncate, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { promisify } from 'node:util'
import { Level } from 'level'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { proveCommand } from '../../src/prove/command.ts'
import { auditPublicKey } from '../../src/server/commands/audit-public-key.ts'
import { type AllKinds, allKinds } from '../support/all-kinds.ts'
import { contentBytes } from '../support/content.ts'
import { filesUnder } from '../support/files-under.ts'
import { flipped } from '../support/level-rows.ts'
import { startObjectHouse } from '../support/object-house.ts'
import { type TemporaryDirectory, temporaryDirectory } from '../support/temporary-directory.ts'

let home: TemporaryDirectory
let kinds: AllKinds
let dataDir: string
/** Of a few objects. */
let smallDir: string
let classes: readonly string[]
beforeAll(async () => {
  home = await temporaryDirectory()
  await mkdir(home.join('store'))
  await mkdir(home.join('small'))
  kinds = await allKinds(home.join('store'))
  dataDir = join(kinds.directory, 'data')
  await using small = await startObjectHouse({ directory: home.join('small') })
  await small.put('large', contentBytes('large', 1_200_001))
  for (const size of [70_000, 10, 0]) await small.put(`of ${size}`, contentBytes(String(size), size))
  await small.stop()
  // LevelDB's tables are written when it is opened again.
  await (await startObjectHouse({ directory: small.directory, isFilled: true })).stop()
  smallDir = small.dataDir
  classes = ['--class', `STANDARD_IA=${join(kinds.directory, 'slow')}`]
})
afterAll(() => home[Symbol.asyncDispose]())

async function prove(...args: readonly string[]) {
  const [out, err] = [new PassThrough({ encoding: 'utf8' }), new PassThrough({ encoding: 'utf8' })]
  const texts = [out, err].map(async (stream) => (await stream.toArray()).join(''))
  const status = await proveCommand(args, { out, err })
  out.end()
  err.end()
  const [output = '', errors = ''] = await Promise.all(texts)
  return { status, output, errors }
}
async function reportOf(...args: readonly string[]) {
  const { status, output, errors } = await prove(...args, '--json', '--quiet')
  if (output === '') throw new Error(errors)
  return { status, ...JSON.parse(output).report }
}
const problemsIn = (report: { findings: { severity: string; where: string; what: string }[] }) =>
  report.findings.filter(({ severity }) => severity === 'problem').map(({ where, what }) => `${where}: ${what}`)

/** A copy of the smaller data directory that was changed. */
async function changed(change: (directory: string) => Promise<unknown>): Promise<string> {
  const copy = home.join('copy')
  await rm(copy, { recursive: true, force: true })
  await cp(smallDir, copy, { recursive: true })
  await change(copy)
  return copy
}
/** A blob of a file of its own. */
async function blobOf(directory: string): Promise<string> {
  for (const [path, bytes] of await filesUnder(join(directory, 'blobs')))
    if (path.includes('/f/') && bytes.length > 1_000_000) return path
  throw new Error('no such blob')
}
async function packOf(directory: string): Promise<string> {
  const paths = [...(await filesUnder(join(directory, 'blobs'))).keys()]
  return paths.find((path) => path.includes('/p/')) ?? ''
}
const bodyOf = (bytes: Buffer, body: Buffer): Buffer =>
  Buffer.concat([bytes.subarray(0, 80), body.subarray(0, bytes.length - 80), bytes.subarray(80 + body.length)])
const english = (length: number) => Buffer.alloc(length, 'It was the best of times, it was the worst of times. ')
const compressedLike = (bytes: Buffer, magic: string) => bodyOf(bytes, Buffer.from(magic, 'hex'))

describe('coffer prove, of what a server stores', () => {
  it('finds nothing, and tells of each byte whether it is sealed or in clear by design', async () => {
    const secrets = ['green', 'text/x-secret', 'and on and on', 'coffer canary 1'].filter((one) => one.length >= 8)
    const canaries = secrets.flatMap((one) => ['--canary', one])
    for (const { bytes, key } of kinds.stored) {
      if (bytes.length < 100) continue
      await writeFile(home.join('content'), bytes)
      if (key === 'large' || key === 'small' || key === 'in parts')
        canaries.push('--canary', `@${home.join('content')}`)
    }
    const report = await reportOf(dataDir, ...classes, ...canaries)
    expect([report.status, report.verdict, problemsIn(report)]).toEqual([0, 'nothing found', []])
    const tables: { kind: string; bytes: number; sealedBytes: number; clearBytes: number; unexplainedBytes: number }[] =
      report.files
    for (const { kind, bytes, sealedBytes, clearBytes, unexplainedBytes } of tables)
      expect([kind, sealedBytes + clearBytes, unexplainedBytes]).toEqual([kind, bytes, 0])
    const { bytes } = report.tree
    expect(tables.reduce((sum, row) => sum + row.bytes, 0)).toBe(bytes)
    expect(tables.map(({ kind }) => kind)).toEqual(
      expect.arrayContaining([
        'blob',
        'pack of blobs',
        'LevelDB table',
        'LevelDB log',
        'audit log',
        'seal file',
        'witness',
      ]),
    )
    const stored = tables.filter(({ kind }) => kind === 'blob' || kind === 'pack of blobs')
    const content = kinds.stored.reduce((sum, one) => sum + one.bytes.length, 0)
    expect(stored.reduce((sum, { sealedBytes }) => sum + sealedBytes, 0)).toBeGreaterThan(content)
    expect(report.blobs.manifests).toBeGreaterThan(0)
    expect(report.rows).toContainEqual(
      expect.objectContaining({ store: 'metadata', space: 2, inClear: expect.stringContaining('name of the object') }),
    )
  })

  it('tells where a name stands that is in clear by design', async () => {
    const report = await reportOf(dataDir, ...classes, '--canary', 'renamed before')
    expect(report.status).toBe(1)
    const places = report.hits.map(
      (hit: { file: string; place: string; inClearByDesign: boolean }) =>
        `${hit.file.split('/')[0]} ${hit.place} ${hit.inClearByDesign}`,
    )
    expect(new Set(places)).toEqual(
      new Set([
        'audit the bytes of the file true',
        'metadata the key of a row true',
        'metadata the bytes of the file false',
      ]),
    )
  })

  it('changes nothing, and does not say what it looked for', async () => {
    const before = await reportOf(dataDir, ...classes)
    const word = 'a word that nobody is to read in a report'
    const { output } = await prove(dataDir, ...classes, '--canary', word, '--json')
    expect(output).not.toContain(word)
    expect((await reportOf(dataDir, ...classes)).tree).toEqual(before.tree)
  })

  it('refuses what would be found by chance, and what it cannot look at', async () => {
    expect(await prove(dataDir, '--canary', 'short')).toMatchObject({ status: 2 })
    expect(await prove(dataDir, '--canary', '\0'.repeat(40))).toMatchObject({ status: 2 })
    expect(await prove(home.join('nowhere'))).toMatchObject({ status: 2 })
    expect(await prove()).toMatchObject({ status: 2 })
    expect(await prove('--help')).toMatchObject({ status: 0 })
  })
})

describe('the two folders', () => {
  it('run by themselves, where there is nothing else', async () => {
    for (const name of ['decrypt', 'prove'])
      await cp(join(import.meta.dirname, '../../src', name), home.join('alone', name), { recursive: true })
    const run = await promisify(execFile)(process.execPath, [
      home.join('alone', 'prove', 'main.ts'),
      smallDir,
      '--with-keys',
    ])
    expect(run.stdout).toContain('✓ nothing found')
  })
})

const CANARY = 'correct horse battery staple'
const PIECE = Buffer.from(`{"note":"${CANARY}"}`)

describe('coffer prove finds', () => {
  const put = (directory: string, name: string, bytes: Buffer | string) => writeFile(join(directory, name), bytes)
  const rewrite = async (path: string, change: (bytes: Buffer) => Buffer) =>
    writeFile(path, change(await readFile(path)))
  const inBlob = (change: (bytes: Buffer) => Buffer) => async (directory: string) =>
    rewrite(await blobOf(directory), change)
  const inRow = (key: Buffer, value: Buffer) => async (directory: string) => {
    const options = { keyEncoding: 'buffer', valueEncoding: 'buffer' } as const
    const level = new Level<Buffer, Buffer>(join(directory, 'metadata'), options)
    await level.put(key, value)
    await level.close()
  }
  const name = Buffer.concat([Buffer.of(2), Buffer.alloc(16, 1), Buffer.from('name')])
  const sealedLike = (body: Buffer) => Buffer.concat([Buffer.alloc(6), Buffer.from('0000000000000001', 'hex'), body])
  const auditFile = 'audit/audit-0000000001.jsonl'
  const inAudit = (text: string) => async (directory: string) => {
    const line = JSON.stringify({ type: 'event', object: text }).replace(/\}$/, `,"hash":"${'A'.repeat(43)}"}\n`)
    await rewrite(join(directory, auditFile), (bytes) => Buffer.concat([bytes, Buffer.from(line)]))
  }
  const utf16 = Buffer.from(CANARY, 'utf16le')

  it.each<[string, (directory: string) => Promise<unknown>, string]>([
    ['a file in the clear', (at) => put(at, 'notes.txt', 'hello'), 'notes.txt: a file that no data directory has'],
    ['an empty file', (at) => put(at, 'metadata/empty', ''), 'a file that no data directory has'],
    ['a link', (at) => symlink('/etc/passwd', join(at, 'link')), 'neither a file nor a directory'],
    [
      'a file under the name of a blob',
      async (at) => put(join(await blobOf(at), '..'), 'fff', english(5000)),
      'the blob has not the magic',
    ],
    ['text in place of a ciphertext', inBlob((bytes) => bodyOf(bytes, english(bytes.length))), 'printable characters'],
    [
      'text in one segment',
      inBlob((bytes) => Buffer.concat([bytes.subarray(0, 200_000), english(300), bytes.subarray(200_300)])),
      'printable characters',
    ],
    [
      'zeros in place of a ciphertext',
      inBlob((bytes) => bodyOf(bytes, Buffer.alloc(bytes.length))),
      'one byte (00) over and over',
    ],
    ['zeros in place of a blob', inBlob((bytes) => Buffer.alloc(bytes.length)), 'not the magic'],
    [
      'a table of numbers in place of a ciphertext',
      inBlob((bytes) =>
        bodyOf(bytes, Buffer.from(Uint32Array.from({ length: 500_000 }, (_, index) => index * 3).buffer)),
      ),
      'no ciphertext',
    ],
    [
      'base64 in place of a ciphertext',
      inBlob((bytes) => bodyOf(bytes, Buffer.from(contentBytes('x', 2_000_000).toString('base64')))),
      'no ciphertext',
    ],
    ['a gzip file in place of a ciphertext', inBlob((bytes) => compressedLike(bytes, '1f8b0800')), 'begins like gzip'],
    [
      'one layer where the outer one is missing',
      inBlob((bytes) => compressedLike(bytes, '4f45463101')),
      'stored part of one layer',
    ],
    ['a header of another version', inBlob((bytes) => flipped(bytes, 4)), 'another version or suite'],
    ['a reserved byte', inBlob((bytes) => flipped(bytes, 28)), 'not zero'],
    [
      'bytes behind a pack',
      async (at) => rewrite(await packOf(at), (bytes) => Buffer.concat([bytes, english(40)])),
      '40 bytes that are no record',
    ],
    ['a header of a pack', async (at) => rewrite(await packOf(at), (bytes) => flipped(bytes, 9)), 'are no record'],
    [
      'text in a pack',
      async (at) =>
        rewrite(await packOf(at), (bytes) => Buffer.concat([bytes.subarray(0, 96), english(100), bytes.subarray(196)])),
      'no ciphertext: 48 printable characters',
    ],
    [
      'bytes behind a log',
      async (at) => {
        const log = (await readdir(join(at, 'kms'))).find((one) => one.endsWith('.log')) ?? ''
        await rewrite(join(at, 'kms', log), (bytes) => Buffer.concat([bytes, Buffer.from('left behind')]))
      },
      '11 bytes that are no record',
    ],
    [
      'a byte of a table',
      async (at) => {
        const table = (await readdir(join(at, 'iam'))).find((one) => one.endsWith('.ldb')) ?? ''
        await rewrite(join(at, 'iam', table), (bytes) => flipped(bytes, 50))
      },
      'checksum',
    ],
    ['a row in the clear', inRow(name, PIECE), 'metadata/'],
    ['a row in the clear that begins like a sealed one', inRow(name, sealedLike(english(300))), 'no ciphertext'],
    [
      'a row of an epoch that never was',
      inRow(name, Buffer.concat([Buffer.alloc(6), Buffer.from('00ffff0000000001', 'hex'), contentBytes('r', 90)])),
      'of epoch 16776960',
    ],
    [
      'two rows under one nonce',
      async (at) => {
        await inRow(name, sealedLike(contentBytes('one', 90)))(at)
        await inRow(Buffer.concat([name, Buffer.of(1)]), sealedLike(contentBytes('two', 90)))(at)
      },
      'under one nonce',
    ],
    [
      'a row of an unknown space',
      inRow(Buffer.of(200, 1), sealedLike(contentBytes('s', 90))),
      'a space that metadata does not have',
    ],
    [
      'a row of the store that is none',
      inRow(Buffer.of(255, 0x78), Buffer.from('anything')),
      'of the store itself that is none',
    ],
    ['a canary in a row', inRow(name, PIECE), 'canary 1 (as it is) in the value of a row'],
    [
      'a canary in the key of a row',
      inRow(Buffer.concat([name, Buffer.from(CANARY)]), sealedLike(contentBytes('k', 90))),
      'in the key of a row, which is in clear by design',
    ],
    [
      'a canary in a blob',
      inBlob((bytes) =>
        Buffer.concat([bytes.subarray(0, 90_000), Buffer.from(CANARY), bytes.subarray(90_000 + CANARY.length)]),
      ),
      'canary 1 (as it is)',
    ],
    [
      'a canary across two reads',
      inBlob((bytes) =>
        Buffer.concat([
          bytes.subarray(0, 1024 * 1024 - 11),
          Buffer.from(CANARY),
          bytes.subarray(1024 * 1024 - 11 + CANARY.length),
        ]),
      ),
      '@1048565: canary 1 (as it is) in the bytes of the file',
    ],
    [
      'a canary in UTF-16',
      inBlob((bytes) => Buffer.concat([bytes.subarray(0, 5000), utf16, bytes.subarray(5000 + utf16.length)])),
      'canary 1 (UTF-16LE)',
    ],
    ['a canary in base64', inAudit(Buffer.from(`x${CANARY}yz`).toString('base64')), 'canary 1 (base64)'],
    ['a canary in hex', inAudit(Buffer.from(CANARY).toString('hex')), 'canary 1 (hex)'],
    ['a canary in a URL', inAudit(encodeURIComponent(CANARY)), 'canary 1 (percent)'],
    ['a canary in the name of a file', (at) => put(at, CANARY, ''), 'in the name of the file'],
    [
      'a line of the log that is none',
      async (at) => rewrite(join(at, auditFile), (bytes) => Buffer.concat([Buffer.from('password=1\n'), bytes])),
      'line 1: is no line of audit log',
    ],
    [
      'a directory without files that is none of ours',
      (at) => mkdir(join(at, 'kms', 'something'), { mode: 0o700 }),
      'kms/something: a directory that no data directory has',
    ],
    [
      'a canary that is the name of a directory',
      (at) => mkdir(join(at, 'blobs', CANARY), { mode: 0o700 }),
      'the name of the directory',
    ],
    [
      'a seal file with something else in it',
      (at) =>
        put(at, 'instance-key.json', '{"v":1,"method":"file","keyId":"0123456789abcdef0123456789abcdef","key":"x"}'),
      'is not what seal file is',
    ],
  ])('%s', async (_, change, expected) => {
    const directory = await changed(change)
    const report = await reportOf(directory, '--canary', CANARY)
    expect(problemsIn(report).join('\n')).toContain(expected)
    expect(report.status).toBe(1)
  })

  it('a socket of a server that was killed, and marks of a restore, and takes none of them for a leak', async () => {
    const directory = await changed(async (at) => {
      const socket = createServer().listen(join(at, 'coffer.sock'))
      await once(socket, 'listening')
      onTestFinished(() => void socket.close())
      await cp(join(at, 'instance-key.json'), join(at, 'instance-key.json.old'))
      await put(
        at,
        'restored.json',
        '{"v":1,"backup":"2030-01-31","takenAt":"2030-01-31T12:00:00.000Z","restoredAt":"2030-01-31T13:00:00.000Z"}\n',
      )
    })
    const report = await reportOf(directory)
    expect([report.status, problemsIn(report)]).toEqual([0, []])
    const named = await changed((at) => put(at, 'restored.json', '{"v":1,"backup":"2030-01-31","password":"x"}'))
    expect((await reportOf(named)).status).toBe(1)
  })

  it('a write that was cut short, and says that this is no secret told', async () => {
    const directory = await changed(async (at) => truncate(await blobOf(at), 65_536 * 3 + 80 + 48 + 7))
    const report = await reportOf(directory, '--canary', CANARY)
    expect(report.status).toBe(0)
    expect(report.findings).toContainEqual(
      expect.objectContaining({ severity: 'note', what: expect.stringContaining('cut short') }),
    )
  })
})

describe('coffer prove finds what is compressed', () => {
  it('where the bytes of the file do not show it', async () => {
    const directory = await changed(async (at) => {
      const options = { keyEncoding: 'buffer', valueEncoding: 'buffer', compression: true } as const
      const level = () => new Level<Buffer, Buffer>(join(at, 'metadata'), options)
      const first = level()
      const value = Buffer.concat([Buffer.from(CANARY.slice(0, 20)), Buffer.alloc(2000), PIECE])
      await first.put(Buffer.concat([Buffer.of(2), Buffer.alloc(17, 1)]), value)
      await first.close()
      // Out of the log and into a table.
      const second = level()
      await second.open()
      await second.close()
    })
    const { hits } = await reportOf(directory, '--canary', CANARY)
    expect(hits.map(({ place }: { place: string }) => place)).toEqual(['the value of a row'])
  })
})

describe('coffer prove with keys', () => {
  const keyFile = () => ['--key-file', `${dataDir}.key`]

  it('opens every row and the objects that the seed chooses, the same for the same seed', async () => {
    const all = await reportOf(dataDir, ...classes, ...keyFile(), '--sample', '1000', '--seed', 'a')
    const withoutCustomersKeys = kinds.stored.filter(({ key }) => !key.startsWith('sse-c'))
    expect(all.sample).toMatchObject({
      objects: kinds.stored.length,
      opened: withoutCustomersKeys.length,
      keysMissing: kinds.stored.length - withoutCustomersKeys.length,
      plaintextBytes: withoutCustomersKeys.reduce((sum, { bytes }) => sum + bytes.length, 0),
    })
    expect(all.sample.rowsOpened).toBeGreaterThan(500)
    const envelopes = async (seed: string) => {
      const { sample } = await reportOf(dataDir, ...classes, ...keyFile(), '--sample', '6', '--seed', seed)
      return sample.contents.map(({ envelope }: { envelope: string }) => envelope)
    }
    const first = await envelopes('a')
    expect(first).toHaveLength(6)
    expect(await envelopes('a')).toEqual(first)
    expect(await envelopes('b')).not.toEqual(first)
    const { output } = await prove(dataDir, ...classes, ...keyFile())
    expect(output).toMatch(/chosen by seed [0-9a-f]{16}:/)
  })

  it('finds bytes in place of a ciphertext that look like one, which it cannot without', async () => {
    const directory = await changed(async (at) => {
      const path = await blobOf(at)
      await writeFile(path, bodyOf(await readFile(path), contentBytes('as good as random', 4_000_000)))
    })
    expect((await reportOf(directory)).status).toBe(0)
    const report = await reportOf(directory, '--key-file', `${smallDir}.key`, '--sample', '1000')
    expect([report.status, problemsIn(report)]).toEqual([1, [expect.stringContaining('does not verify')]])
  })
})

describe('a report', () => {
  const verify = (path: string, ...more: readonly string[]) => prove('verify', path, ...more)
  const changedReport = async (path: string, change: (text: string) => string) => {
    const other = home.join('changed.json')
    await writeFile(other, change(await readFile(path, 'utf8')))
    return other
  }

  it('is signed with the key of the audit log, which its public key verifies for ever', async () => {
    const path = home.join('report.json')
    expect((await prove(dataDir, ...classes, '--with-keys', '--report', path)).status).toBe(0)
    const [out, pem] = [new PassThrough({ encoding: 'utf8' }), home.join('audit.pem')]
    await auditPublicKey(['--data-dir', dataDir], { out, err: out })
    await writeFile(pem, String(out.read()))
    expect(await verify(path, '--public-key', pem, '--against', dataDir, ...classes)).toMatchObject({ status: 0 })
    expect(await verify(path)).toMatchObject({ status: 3, output: expect.stringContaining('give --public-key') })
    const forged = await changedReport(path, (text) => text.replace('"problems": 0', '"problems": 1'))
    expect(await verify(forged, '--public-key', pem)).toMatchObject({ status: 1 })
    expect(await prove(dataDir, '--report', path)).toMatchObject({
      status: 2,
      errors: expect.stringContaining('is there already'),
    })
    const copy = home.join('moved')
    await cp(dataDir, copy, { recursive: true })
    await mkdir(join(copy, 'iam', 'later'))
    const isOther = { status: 1, errors: expect.stringContaining('is not, or not any more') }
    expect(await verify(path, '--public-key', pem, '--against', copy, ...classes)).toMatchObject(isOther)
    await rmdir(join(copy, 'iam', 'later'))
    expect(await verify(path, '--public-key', pem, '--against', copy, ...classes)).toMatchObject({ status: 0 })
    await writeFile(join(copy, 'coffer.pid'), '1 2030-01-01T00:00:00.000Z\n')
    expect(await verify(path, '--public-key', pem, '--against', copy, ...classes)).toMatchObject(isOther)
  })

  it('is signed with a key of the auditor, and with nobody’s without any', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('ed25519')
    const [own, mine, none] = [home.join('own.pem'), home.join('mine.json'), home.join('none.json')]
    await writeFile(own, privateKey.export({ format: 'pem', type: 'pkcs8' }))
    await writeFile(home.join('own.pub'), publicKey.export({ format: 'pem', type: 'spki' }))
    await prove(dataDir, ...classes, '--sign-key', own, '--report', mine)
    expect((await verify(mine, '--public-key', home.join('own.pub'))).status).toBe(0)
    const other = generateKeyPairSync('ed25519').publicKey.export({ format: 'pem', type: 'spki' })
    await writeFile(home.join('other.pub'), other)
    expect((await verify(mine, '--public-key', home.join('other.pub'))).status).toBe(1)
    await prove(dataDir, ...classes, '--report', none)
    expect(await verify(none)).toMatchObject({ status: 3, output: expect.stringContaining('not signed') })
    expect((await verify(home.join('own.pub'))).status).toBe(1)
  })

  it('is refused when it is nested deeper than anything here: a report comes from others', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('ed25519')
    const publicKeyText = publicKey.export({ format: 'pem', type: 'spki' })
    const signature = {
      value: sign(null, Buffer.from('x'), privateKey).toString('base64url'),
      publicKey: publicKeyText,
    }
    const deep = `${'['.repeat(50_000)}${']'.repeat(50_000)}`
    const path = home.join('deep.json')
    await writeFile(path, `{"report":{"format":"coffer-prove-1","x":${deep}},"signature":${JSON.stringify(signature)}}`)
    expect(await verify(path)).toMatchObject({ status: 1, errors: expect.stringContaining('nested too deep') })
  })
})
