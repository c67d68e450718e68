import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { lstat, mkdir, mkdtemp, readdir, readFile, stat, symlink, utimes, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { S3 } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { itemFailure } from '../../src/cli/item-failure.ts'
import { upload } from '../../src/cli/s3/upload.ts'
import { uploadNotes } from '../../src/cli/s3/upload-notes.ts'
import { mainAccount } from '../support/bootstrap.ts'
import { type CliServer, startCliServer } from '../support/cli-server.ts'

let cli: CliServer
let source: Readonly<Record<string, string>>
const content = randomBytes(13 * 1024 ** 2)

beforeAll(async () => {
  cli = await startCliServer()
  const { accessKeyId, secretAccessKey } = mainAccount.user
  source = {
    SOURCE_AWS_ACCESS_KEY_ID: accessKeyId,
    SOURCE_AWS_SECRET_ACCESS_KEY: secretAccessKey,
    SOURCE_AWS_ENDPOINT_URL_S3: cli.server.s3Url,
  }
  await writeFile(join(cli.home, 'large.bin'), content)
  await writeFile(join(cli.home, 'small.txt'), 'small')
})
afterAll(() => cli[Symbol.asyncDispose]())

const ok = async (...args: readonly string[]): Promise<string> => {
  const { status, out, err } = await cli.call(args, source)
  expect({ args, status, err }).toMatchObject({ args, status: 0 })
  return out
}
const linesOf = (out: string): Record<string, unknown>[] =>
  out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))

it('says in a dry run what would be stored, fetched, copied and moved, and does nothing of it', async () => {
  const tree = join(cli.home, 'dry-tree')
  await mkdir(tree)
  for (const name of ['a.txt', 'b.txt']) await writeFile(join(tree, name), name)
  await ok('bucket', 'create', 'rehearsed')
  const told = await ok('object', 'put', tree, 'rehearsed/', '--recursive', '--dry-run')
  expect(told).toContain('+ rehearsed/a.txt  5 B\n+ rehearsed/b.txt  5 B\n2 files, 10 B, would be stored. Nothing was.')
  expect(await ok('object', 'ls', 'rehearsed', '--quiet')).toBe('')
  await ok('object', 'put', tree, 'rehearsed/x/', '--recursive')
  for (const how of ['cp', 'mv'])
    for (const args of [
      ['rehearsed/x/a.txt', 'rehearsed/y/a.txt'],
      ['rehearsed/x/', 'rehearsed/y/', '--recursive'],
    ] as const) {
      const out = linesOf(await ok('object', how, ...args, '--dry-run', '--json'))
      expect(out).toContainEqual(
        expect.objectContaining({ source: 'rehearsed/x/a.txt', destination: 'rehearsed/y/a.txt', size: 5 }),
      )
      expect(out.at(-1)).toMatchObject({ dryRun: true, bytes: 5 * (out.length - 1) })
    }
  expect(await ok('object', 'ls', 'rehearsed', '--recursive', '--quiet')).toBe('rehearsed/x/a.txt\nrehearsed/x/b.txt\n')
  const into = join(cli.home, 'fetched')
  expect(await ok('object', 'get', 'rehearsed/x/', into, '--recursive', '--dry-run')).toContain(
    '2 objects, 10 B, would be fetched. Nothing was.',
  )
  expect(await ok('object', 'get', 'rehearsed/x/a.txt', join(cli.home, 'one'), '--dry-run')).toContain(
    'Nothing was changed.',
  )
  await expect(stat(into)).rejects.toMatchObject({ code: 'ENOENT' })
  await expect(stat(join(cli.home, 'one'))).rejects.toMatchObject({ code: 'ENOENT' })
  await expect(cli.call(['object', 'put', '-', 'rehearsed/z', '--dry-run'])).resolves.toMatchObject({ status: 2 })
})

it('puts in parts, tells each item and a result as NDJSON, and gets back the same bytes, checked', async () => {
  await ok('bucket', 'create', 'parts')
  const put = linesOf(
    await ok(
      'object',
      'put',
      join(cli.home, 'large.bin'),
      'parts/',
      '--json',
      '--tag',
      'a=1',
      '--metadata',
      'by=anna',
      '--progress',
      'json',
    ),
  )
  expect(put.at(-1)).toMatchObject({ type: 'result', files: 1, bytes: content.length })
  expect(put.find(({ type }) => type === 'item')).toMatchObject({ key: 'large.bin', parts: 2 })
  const copy = join(cli.home, 'copy.bin')
  expect(linesOf(await ok('object', 'get', 'parts/large.bin', copy, '--json')).at(-1)).toMatchObject({
    type: 'result',
    checked: 'crc32',
  })
  expect((await readFile(copy)).equals(content)).toBe(true)
})

it('goes on with an upload that was interrupted, and sends no part twice', async () => {
  await ok('bucket', 'create', 'resumed')
  const s3 = new S3({
    endpoint: cli.server.s3Url,
    forcePathStyle: true,
    region: 'us-east-1',
    credentials: mainAccount.user,
  })
  const abort = new AbortController()
  const wanted = {
    ...{ bucket: 'resumed', key: 'big', size: content.length, partBytes: 5 * 1024 ** 2, atOnce: 1 },
    read: async (offset: number, length: number) => content.subarray(offset, offset + length),
    notes: await uploadNotes(cli.environment, ['resumed', 'big']),
  }
  const interrupted = upload(s3, { ...wanted, signal: abort.signal, onBytes: () => abort.abort() })
  await expect(interrupted).rejects.toThrow()
  expect(await upload(s3, wanted)).toMatchObject({ parts: 3, resumedBytes: 5 * 1024 ** 2 })
  expect((await s3.listMultipartUploads({ Bucket: 'resumed' })).Uploads ?? []).toEqual([])
  s3.destroy()
  const copy = join(cli.home, 'resumed.bin')
  await ok('object', 'get', 'resumed/big', copy)
  expect((await readFile(copy)).equals(content)).toBe(true)
})

it('a dry run changes nothing, and tells what would go', async () => {
  await ok('bucket', 'create', 'kept')
  await ok('key', 'create', 'kept-root')
  await ok('object', 'put', join(cli.home, 'small.txt'), 'kept/a')
  for (const args of [
    ['bucket', 'rm', 'kept', '--force'],
    ['object', 'rm', 'kept', '--recursive', '--versions'],
    ['bucket', 'encrypt', 'kept', '--key', 'kept-root'],
    ['key', 'disable', 'kept-root'],
    ['key', 'rm', 'kept-root'],
    ['key', 'rotate', 'kept-root'],
  ]) {
    expect(JSON.parse(await ok(...args, '--dry-run', '--json'))).toMatchObject({ dryRun: true })
  }
  expect(await ok('object', 'cat', 'kept/a')).toBe('small')
  expect(JSON.parse(await ok('bucket', 'show', 'kept', '--json'))).toMatchObject({ encryption: 'AES256' })
  expect(JSON.parse(await ok('key', 'show', 'kept-root', '--json'))).toMatchObject({
    state: 'active',
    versions: [expect.anything()],
  })
})

it('says alike what goes dark with a key, with an authorization and with a bucket', async () => {
  await ok('bucket', 'create', 'dark', '--key', 'kept-root')
  await ok('object', 'put', join(cli.home, 'small.txt'), 'dark/a')
  const [authorization = ''] = (await ok('authorization', 'ls', '--quiet')).split('\n')
  for (const args of [
    ['key', 'disable', 'kept-root'],
    ['key', 'rm', 'kept-root'],
    ['authorization', 'rm', authorization],
    ['bucket', 'rm', 'dark', '--force'],
  ]) {
    const said = await ok(...args, '--dry-run')
    expect([args, said]).toEqual([
      args,
      expect.stringMatching(
        /: 1 bucket, 1 (object|version), 5 B\n {2}dark {2}1 (object|version), 5 B\nWho notices:\n {2}\S.* used dark /,
      ),
    ])
    const document = JSON.parse(await ok(...args, '--dry-run', '--json'))
    expect(document).toMatchObject({
      buckets: [{ name: 'dark', objects: 1, bytes: 5, uploads: 0 }],
      hidden: 0,
      noticers: [{}],
    })
  }
  const told = async (line: string) => (await ok(...line.split(' '))).replaceAll(/ +/g, ' ')
  expect(await told('object envelope dark/a')).toContain('root key keys/kept-root\n version 1 (')
  expect(await told('object envelope kept/a')).toContain('root key the key of the store\n')
  expect(await told('bucket ls')).toMatch(/dark .* open keys\/kept-root\nkept .* open the key of the store/)
})

it('imports with parts, metadata, tags and versions, passes over what is there, and finds what differs', async () => {
  await ok('bucket', 'create', 'old', '--versioning')
  await ok('bucket', 'create', 'new', '--versioning')
  await ok(
    'object',
    'put',
    join(cli.home, 'large.bin'),
    'old/dir/large.bin',
    '--metadata',
    'by=anna',
    '--tag',
    'kind=x',
  )
  for (const text of ['one', 'two']) {
    await writeFile(join(cli.home, 'v.txt'), text)
    await ok('object', 'put', join(cli.home, 'v.txt'), 'old/ö + %.txt')
  }
  await ok('object', 'put', join(cli.home, 'small.txt'), 'old/gone')
  await ok('object', 'rm', 'old/gone', '--yes')
  const dry = linesOf(await ok('import', 's3://old', 'new', '--versions', '--dry-run', '--json')).at(-1)
  expect(dry).toMatchObject({ type: 'result', copy: 3, versions: 5 })
  expect(linesOf(await ok('object', 'versions', 'new', '--json'))).toMatchObject([{ type: 'result', versions: 0 }])
  expect((await cli.call(['import', 's3://old', 'new', '--versions', '--check'], source)).status).toBe(3)

  const done = linesOf(await ok('import', 's3://old', 'new', '--versions', '--json')).at(-1)
  expect(done).toMatchObject({
    type: 'result',
    copied: { objects: 3, versions: 5 },
    checked: { etag: 4, checksum: 0, size: 0 },
  })
  const told = async (bucket: string) =>
    linesOf(await ok('object', 'versions', bucket, '--json')).map(({ key, etag, isDeleteMarker, isLatest }) => ({
      key,
      etag,
      isDeleteMarker,
      isLatest,
    }))
  expect(await told('new')).toEqual(await told('old'))
  expect(JSON.parse(await ok('object', 'stat', 'new/dir/large.bin', '--json'))).toMatchObject({
    metadata: { by: 'anna' },
    etag: expect.stringMatching(/-2"$/),
  })
  expect(JSON.parse(await ok('object', 'tag', 'new/dir/large.bin', '--json'))).toMatchObject({ tags: { kind: 'x' } })
  expect(linesOf(await ok('import', 's3://old', 'new', '--versions', '--json')).at(-1)).toMatchObject({
    copied: { objects: 0 },
    passedOver: 3,
  })
  await ok('import', 's3://old', 'new', '--versions', '--check')
})

it('says of an import what the source did, and does not blame the server for it', async () => {
  await ok('bucket', 'create', 'blamed')
  const importing = async (given: Readonly<Record<string, string>>) => {
    const { status, out } = await cli.call(['import', 's3://theirs', 'blamed', '--json'], { ...source, ...given })
    return { status, ...linesOf(out).at(-1) }
  }
  expect(await importing({ SOURCE_AWS_ENDPOINT_URL_S3: 'http://127.0.0.1:1' })).toMatchObject({
    ...{ status: 1, code: 'Unreachable', fixes: ['export SOURCE_AWS_ENDPOINT_URL_S3=URL'] },
    message: "Can't import s3://theirs: the source, http://127.0.0.1:1 cannot be reached, nobody listens there",
  })
  expect(await importing({ SOURCE_AWS_SECRET_ACCESS_KEY: 'wrong'.repeat(8) })).toMatchObject({
    message: expect.stringContaining(`the source, ${cli.server.s3Url}, answers: `),
  })
  // One that lists an object, and ends in the midst of it.
  const dates = 'Mon, 23 Nov 2026 10:00:00 GMT'
  const cutting = createServer((request, response) => {
    if (request.url?.includes('list-type')) {
      response.end(
        '<ListBucketResult><IsTruncated>false</IsTruncated><Contents><Key>closed</Key><Size>100000</Size><ETag>"0123456789abcdef0123456789abcdef"</ETag><LastModified>2026-11-23T10:00:00.000Z</LastModified></Contents><Contents><Key>cut</Key><Size>100000</Size><ETag>"0123456789abcdef0123456789abcdef"</ETag><LastModified>2026-11-23T10:00:00.000Z</LastModified></Contents></ListBucketResult>',
      )
      return
    }
    const length = /\/theirs\/(cut|closed)/.test(request.url ?? '') && !request.url?.includes('tagging') ? 100000 : 0
    if (request.method === 'GET' && length > 0 && request.url?.includes('closed')) return void response.destroy()
    response.writeHead(200, { 'content-length': length, 'last-modified': dates })
    if (request.method === 'HEAD' || length === 0) return void response.end()
    response.write(Buffer.alloc(1000))
    setTimeout(() => response.destroy(), 20)
  }).listen(0, '127.0.0.1')
  await once(cutting, 'listening')
  try {
    const address = cutting.address()
    const port = typeof address === 'object' ? address?.port : 0
    const { err, status } = await cli.call(['import', 's3://theirs', 'blamed'], {
      ...source,
      SOURCE_AWS_ENDPOINT_URL_S3: `http://127.0.0.1:${port}`,
    })
    expect(status).toBe(7)
    for (const name of ['cut', 'closed'])
      expect(err).toContain(
        `${name}: the source, http://127.0.0.1:${port}, closed the connection before the end of the content`,
      )
    expect(err).not.toContain(cli.server.s3Url)
    expect(err).not.toContain('TLS')
  } finally {
    cutting.close()
  }
})

it('says of an import which versions lost their retention', async () => {
  const { server } = cli
  const { accessKeyId, secretAccessKey } = mainAccount.user
  const s3 = new S3({
    ...{ endpoint: server.s3Url, region: 'us-east-1', forcePathStyle: true },
    credentials: { accessKeyId, secretAccessKey },
  })
  await s3.createBucket({ Bucket: 'kept-for-long', ObjectLockEnabledForBucket: true })
  await s3.putObject({ Bucket: 'kept-for-long', Key: 'free', Body: 'x' })
  await s3.putObject({ Bucket: 'kept-for-long', Key: 'held', Body: 'x', ObjectLockLegalHoldStatus: 'ON' })
  s3.destroy()
  await ok('bucket', 'create', 'kept-no-more')
  const { status, out, err } = await cli.call(['import', 's3://kept-for-long', 'kept-no-more'], source)
  expect({ status, out }).toMatchObject({ status: 0, out: expect.stringContaining('2 objects copied') })
  expect(err).toContain('1 version could not be deleted at the source, by retention or a legal hold, and can be here')
})

it('exports to another store and into a directory, goes on where it was, and lets no name out of the directory', async () => {
  const target = Object.fromEntries(
    Object.entries(source).map(([name, value]) => [name.replace('SOURCE', 'TARGET'), value]),
  )
  const told = async (...args: readonly string[]) => {
    const { status, out } = await cli.call([...args, '--json'], target)
    return { status, ...linesOf(out).at(-1) }
  }
  await ok('bucket', 'create', 'leaving')
  await ok('bucket', 'create', 'elsewhere')
  for (const key of ['dir/large.bin', 'ö + %.txt', 'x']) {
    await ok(
      'object',
      'put',
      join(cli.home, key.endsWith('bin') ? 'large.bin' : 'small.txt'),
      `leaving/${key}`,
      '--tag',
      'a=b',
    )
  }
  expect(await told('export', 'leaving', 's3://elsewhere/copy')).toMatchObject({
    ...{ status: 0, copied: { objects: 3 }, checked: { etag: 3, size: 0 } },
  })
  expect(JSON.parse(await ok('object', 'tag', 'elsewhere/copy/dir/large.bin', '--json'))).toMatchObject({
    tags: { a: 'b' },
  })
  expect(await told('export', 'leaving', 's3://elsewhere/copy')).toMatchObject({
    copied: { objects: 0 },
    passedOver: 3,
  })

  const place = join(cli.home, 'exported')
  expect(await told('export', 'leaving', place, '--dry-run')).toMatchObject({ status: 0, copy: 3 })
  await expect(stat(place)).rejects.toThrow('ENOENT')
  expect(await told('export', 'leaving', place)).toMatchObject({ copied: { objects: 3 }, checked: { size: 0 } })
  expect((await readFile(join(place, 'dir/large.bin'))).equals(content)).toBe(true)
  expect(await told('export', 'leaving', place)).toMatchObject({ copied: { objects: 0 }, passedOver: 3 })
  // Of the same size and time: it is reading that finds it.
  const { atime, mtime } = await stat(join(place, 'x'))
  await writeFile(join(place, 'x'), 'SMALL')
  await utimes(join(place, 'x'), atime, mtime)
  expect(await told('export', 'leaving', place, '--check')).toMatchObject({ status: 3, code: 'Different' })

  await ok('object', 'put', join(cli.home, 'small.txt'), 'elsewhere/../outside.txt')
  expect(await told('export', 'elsewhere', join(cli.home, 'exported/inner'))).toMatchObject({
    status: 3,
    code: 'PartlyDone',
  })
  await expect(stat(join(cli.home, 'exported/outside.txt'))).rejects.toThrow('ENOENT')
})

it('keeps a profile for its owner alone, with which nothing else is needed', async () => {
  const bare = {
    AWS_ACCESS_KEY_ID: undefined,
    AWS_SECRET_ACCESS_KEY: undefined,
    AWS_ENDPOINT_URL_S3: undefined,
    COFFER_CONTROL: undefined,
    IBMCLOUD_API_KEY: undefined,
  }
  await ok('login', cli.server.controlUrl, '--name', 'here', '--s3', cli.server.s3Url)
  expect((await stat(join(cli.home, '.config/coffer/profiles.toml'))).mode & 0o777).toBe(0o600)
  expect(await cli.call(['bucket', 'ls', '--quiet'], bare)).toMatchObject({
    status: 0,
    out: expect.stringContaining('parts\n'),
  })
  expect((await cli.call(['key', 'ls', '--quiet'], bare)).status).toBe(0)
  // By an API key alone, too.
  const token = { AWS_ACCESS_KEY_ID: undefined, AWS_SECRET_ACCESS_KEY: undefined, HOME: join(cli.home, 'none') }
  expect(await cli.call(['object', 'cat', 'kept/a'], token)).toMatchObject({ status: 0, out: 'small' })
})

it('names that others chose neither command the terminal, nor run when they are completed', async () => {
  await ok('bucket', 'create', 'foreign')
  const names = ['osc\u001b]0;owned\u0007', 'c1\u009b2J', 'line\n✓ foreign/fake', 'run $(touch owned);`id`']
  for (const name of names) await ok('object', 'put', join(cli.home, 'small.txt'), `foreign/${name}`)
  const place = join(cli.home, 'foreign')
  const told = [
    await ok('object', 'ls', 'foreign'),
    await ok('object', 'get', 'foreign', place, '--recursive'),
    await ok('object', 'cp', 'foreign/', 'foreign/copy/', '--recursive'),
    await ok('object', 'rm', 'foreign/copy/', '--recursive', '--yes'),
    await ok('object', 'sync', 's3://foreign', join(cli.home, 'mirror'), '--dry-run'),
    await ok('object', 'ls', 'foreign', '--json'),
    (await cli.call(['object', 'get', `foreign/no${names[0]}`], source)).err,
    (await cli.call(['object', 'get', `foreign/no${names[1]}`, '--json'], source)).out,
  ]
  for (const text of told) expect(text).not.toMatch(/[^\P{Cc}\n]/u)
  expect(told[1]?.split('\n').filter((line) => line.startsWith('✓'))).toHaveLength(names.length)

  const { out: script } = await cli.call(['completion', 'bash'])
  const main = join(import.meta.dirname, '../../src/server/main.js')
  const program = `${script}
coffer() { '${process.execPath}' '${main}' "$@"; }
COMP_LINE='coffer object get foreign/'; COMP_POINT=\${#COMP_LINE}; COMP_WORDS=(coffer object get foreign/); COMP_CWORD=3; _coffer
printf '%s\\n' "\${COMPREPLY[@]}"`
  const { stdout } = await promisify(execFile)('bash', ['-c', program], { env: { ...process.env, ...cli.environment } })
  expect(stdout).toBe(String.raw`foreign/run\ \$\(touch\ owned\)\;\`id\``.concat('\n'))
})

it('a command that mends runs nothing of a name that others gave a key', async () => {
  await ok('key', 'create', 'run $(touch owned);`id`')
  const listed: { readonly keys: { readonly id: string; readonly name: string }[] } = JSON.parse(
    await ok('key', 'ls', '--json'),
  )
  const id = listed.keys.find(({ name }) => name.startsWith('run $'))?.id ?? ''
  await ok('bucket', 'create', 'under-it', '--key', id)
  await ok('object', 'put', join(cli.home, 'small.txt'), 'under-it/a')
  const disabled = await ok('key', 'disable', id, '--reason', 'a name to run', '--yes')
  expect(await ok('audit', '--did', 'kms.secrets.disable', '--limit', '1')).toContain(': “a name to run”')
  const { err } = await cli.call(['object', 'cat', 'under-it/a'], source)
  for (const told of [disabled, err]) expect(told).toContain(`coffer key enable keys/${id}`)
})

it('no link in a directory, nor one of a name beside a file, leads what is fetched elsewhere', async () => {
  await ok('bucket', 'create', 'linked')
  await ok('object', 'put', join(cli.home, 'small.txt'), 'linked/out/new/file')
  const [place, elsewhere] = [join(cli.home, 'linked'), join(cli.home, 'elsewhere')]
  await mkdir(place)
  await mkdir(elsewhere)
  await symlink(elsewhere, join(place, 'out'))
  for (const args of [
    ['object', 'get', 'linked', place, '--recursive'],
    ['object', 'sync', 's3://linked', place],
    ['export', 'linked', place],
  ]) {
    const { status, out, err } = await cli.call(args, source)
    expect([status === 0, `${out}${err}`.includes('leads out of')]).toEqual([false, true])
  }
  expect(await readdir(elsewhere)).toEqual([])
  await symlink(join(elsewhere, 'kept'), join(cli.home, `copy.txt.coffer-${process.pid}`))
  await ok('object', 'get', 'linked/out/new/file', join(cli.home, 'copy.txt'))
  expect(await readdir(elsewhere)).toEqual([])
})

it('the token of a profile goes to the servers of that profile alone', async () => {
  const seen: unknown[] = []
  await using other = createServer(({ headers }, response) => {
    seen.push(headers.authorization)
    response.writeHead(403).end()
  }).listen(0, '127.0.0.1')
  await once(other, 'listening')
  const home = await mkdtemp(join(cli.home, 'token-'))
  const own = { HOME: home, AWS_ACCESS_KEY_ID: undefined, AWS_SECRET_ACCESS_KEY: undefined, COFFER_CONTROL: undefined }
  const login = ['login', cli.server.controlUrl, '--s3', cli.server.s3Url]
  expect((await cli.call(login, own)).status).toBe(0)
  const saved = { ...own, IBMCLOUD_API_KEY: undefined }
  expect((await cli.call(['bucket', 'ls'], { ...saved, AWS_ENDPOINT_URL_S3: undefined })).status).toBe(0)
  const { port } = Object(other.address())
  const away = { ...saved, AWS_ENDPOINT_URL_S3: `http://127.0.0.1:${port}`, AWS_EC2_METADATA_DISABLED: 'true' }
  expect((await cli.call(['bucket', 'ls'], away)).status).not.toBe(0)
  expect(seen.filter((authorization) => String(authorization).startsWith('Bearer'))).toEqual([])
})

it('what is got into a pipe or a device goes there, and leaves it what it is', async () => {
  await ok('bucket', 'create', 'poured')
  await ok('object', 'put', join(cli.home, 'large.bin'), 'poured/large.bin')
  const pipe = join(cli.home, 'pipe')
  await promisify(execFile)('mkfifo', [pipe])
  const [read] = await Promise.all([readFile(pipe), ok('object', 'get', 'poured/large.bin', pipe)])
  expect(read.equals(content)).toBe(true)
  expect((await stat(pipe)).isFIFO()).toBe(true)
  const full = join(cli.home, 'full')
  await symlink('/dev/full', full)
  const failed = await cli.call(['object', 'get', 'poured/large.bin', full])
  expect(failed).toMatchObject({ status: 1, err: expect.stringContaining('has no room left') })
  expect((await lstat(full)).isSymbolicLink()).toBe(true)
  // One that lies where many go was named by nobody: it is replaced, and what it leads to is not written.
  const into = join(cli.home, 'into')
  await mkdir(into)
  await symlink(pipe, join(into, 'large.bin'))
  await ok('object', 'get', 'poured/', into, '--recursive')
  expect((await readFile(join(into, 'large.bin'))).equals(content)).toBe(true)
  expect([(await lstat(join(into, 'large.bin'))).isFile(), (await stat(pipe)).isFIFO()]).toEqual([true, true])
})

it('where there is no room for one there is none for the next: nothing goes on', () => {
  const told: string[] = []
  const call = { out: { warning: (text: string) => void told.push(text) } } as unknown as Parameters<
    typeof itemFailure
  >[0]
  const noRoom = Object.assign(new Error('ENOSPC'), { code: 'ENOSPC', syscall: 'write' })
  expect(() => itemFailure(call, 'a/b', noRoom, 'http://127.0.0.1:1')).toThrow(noRoom)
  itemFailure(call, 'a/b', Object.assign(new Error('no'), { code: 'EACCES', syscall: 'open' }), 'http://127.0.0.1:1')
  expect(told).toEqual([expect.stringContaining('a/b: ')])
})

it.each([
  ['bucket', 'show', '..'],
  ['bucket', 'rm', '.', '--yes'],
  ['policy', 'rm', '..', '--yes'],
])('a name of dots leads nowhere else: %s %s %s', async (...args) => {
  expect(await cli.call(args)).toMatchObject({ status: 2 })
})

it.each(['by=Jürgen', 'x=ä€', 'ü=a', 'x=a\nb'])(
  'metadata that no header carries is refused before it is sent: %j',
  async (text) => {
    const args = ['object', 'put', join(cli.home, 'small.txt'), 'nowhere/m', '--metadata', text]
    expect(await cli.call(args)).toMatchObject({ status: 2, err: expect.stringContaining('letters of ASCII alone') })
  },
)

it('a directory that is not there is no empty one: nothing is removed for it', async () => {
  await ok('bucket', 'create', 'mirrored')
  await ok('object', 'put', join(cli.home, 'small.txt'), 'mirrored/tree/small.txt')
  for (const more of [[], ['--delete', '--yes'], ['--delete', '--dry-run']]) {
    expect(await cli.call(['object', 'sync', join(cli.home, 'nodir'), 's3://mirrored/tree', ...more])).toMatchObject({
      ...{ status: 4, err: expect.stringContaining('nodir is not there') },
    })
  }
  expect(await ok('object', 'ls', 'mirrored/tree/')).toContain('small.txt')
  await ok('object', 'sync', 's3://mirrored/tree', join(cli.home, 'newdir'))
  expect(await readFile(join(cli.home, 'newdir', 'small.txt'), 'utf8')).toBe('small')
  expect(await cli.call(['object', 'get', 'mirrored/tree/small.txt', '-'])).toMatchObject({
    ...{ status: 2, err: expect.stringContaining('coffer object cat mirrored/tree/small.txt') },
  })
})

it('what is no file and is passed over is told, and a place that has nothing', async () => {
  await ok('bucket', 'create', 'passed-over')
  const tree = join(cli.home, 'tree')
  await mkdir(join(tree, 'deep'), { recursive: true })
  await writeFile(join(tree, 'deep', 'file'), 'x')
  await symlink('/etc/hostname', join(tree, 'deep', 'link'))
  await symlink('/nowhere', join(tree, 'dangling'))
  for (const args of [
    ['put', tree, 'passed-over/put/', '--recursive'],
    ['sync', tree, 's3://passed-over/sync'],
  ]) {
    expect(await cli.call(['object', ...args])).toMatchObject({
      ...{
        status: 0,
        err: expect.stringMatching(
          /special files are passed over, 2 here: (dangling, deep\/link|deep\/link, dangling)/,
        ),
      },
    })
  }
  expect((await ok('object', 'ls', 'passed-over', '--recursive', '--quiet')).trim().split('\n')).toHaveLength(2)
  const nothing = await cli.call(['import', 's3://passed-over/typo', 'poured', '--check'], source)
  expect(nothing).toMatchObject({ status: 0, err: expect.stringContaining('is that its name?') })
})

it('an address of the source that is none is mended where it was given, and not at the server', async () => {
  const wrong = { ...source, SOURCE_AWS_ENDPOINT_URL_S3: '127.0.0.1:9610' }
  for (const [more, fix] of [
    [[], 'export SOURCE_AWS_ENDPOINT_URL_S3=http://127.0.0.1:9610'],
    [['--endpoint', '127.0.0.1:9610'], '--endpoint http://127.0.0.1:9610'],
  ] as const) {
    const told = await cli.call(['import', 's3://photos', 'poured', ...more], wrong)
    expect(told).toMatchObject({ status: 2, err: expect.stringMatching(new RegExp(`Fix +${RegExp.escape(fix)}\n`)) })
  }
})
