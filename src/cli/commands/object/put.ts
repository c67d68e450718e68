import { readdir, stat } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import type { Call } from '../../call.ts'
import { DRY_RUN } from '../../described.ts'
import { usage } from '../../failure.ts'
import { failedItems } from '../../item-failure.ts'
import { baseName, type ObjectReference, readReference } from '../../s3/references.ts'
import { SEND_OPTIONS, sentOptions } from '../../s3/send-options.ts'
import { collected } from '../../s3/stdin.ts'
import { LEAST_PART_BYTES, openPieces, type Upload, upload } from '../../s3/upload.ts'
import { uploadNotes } from '../../s3/upload-notes.ts'
import { inParallel } from '../../s3/workers.ts'
import type { CommandSpec } from '../../spec.ts'
import { countText, readSize, sizeText } from '../../units.ts'

export const putObjects: CommandSpec = {
  name: 'put',
  summary: 'Stores files.',
  about:
    'In parts when they are large; checksums of each part and of the whole are verified. A run that was interrupted goes on where it was when the same command is run again. A destination that ends with / takes files under their names; - stores standard input.',
  arguments: [
    { name: 'file', help: 'files, or directories with --recursive; - for standard input', many: true, kind: 'file' },
    { name: 'destination', help: 'bucket, bucket/prefix/ or bucket/key', kind: 'object' },
  ],
  options: {
    recursive: { help: 'directories, too' },
    ...SEND_OPTIONS,
    'part-size': { value: 'size', help: 'of uploads in parts, 5MiB or more; 8MiB by default' },
    parallel: { value: 'n', help: 'parts, or files, that are sent at once; 4 by default' },
    'if-new': { help: 'refuses to replace what is there' },
    ...DRY_RUN,
  },
  again: 'parts that were sent are not sent again',
  examples: [
    'coffer object put report.pdf invoices/2026/',
    'coffer object put report.pdf invoices/latest.pdf --tag kind=report --metadata by=anna',
    'coffer object put photos invoices/photos/ --recursive --dry-run',
  ],
  see: ['coffer object get', 'coffer object sync'],
  run: async (call) => {
    const destination = readReference(call.argument('destination'))
    const files = call.arguments('file')
    call.doing(`store ${files.join(', ')} in ${call.argument('destination')}`)
    call.about(destination.bucket)
    const found = await sources(call, files, destination, call.flag('recursive'))
    if (found.type === 'stdin') {
      if (call.flag('dry-run')) throw usage('what standard input has is not known before it is stored')
      return putStdin(call, destination)
    }
    if (call.flag('dry-run')) return planFiles(call, destination.bucket, found.files)
    return putFiles(call, destination.bucket, found.files)
  },
}

export interface Source {
  readonly path: string
  readonly key: string
  readonly size: number
}

async function sources(
  { out }: Call,
  paths: readonly string[],
  { key: prefix }: ObjectReference,
  recursive: boolean,
): Promise<{ readonly type: 'stdin' } | { readonly type: 'files'; readonly files: readonly Source[] }> {
  if (paths.includes('-')) {
    if (paths.length > 1 || prefix === '' || prefix.endsWith('/'))
      throw usage('standard input is stored as one object: give bucket/key')
    return { type: 'stdin' }
  }
  const isFolder = prefix === '' || prefix.endsWith('/')
  const files: Source[] = []
  for (const path of paths) {
    const about = await stat(path)
    if (about.isDirectory()) {
      if (!recursive) throw usage(`${path} is a directory`, 'add --recursive')
      const under = isFolder ? prefix : `${prefix}/`
      for (const file of await filesUnder(path, out)) files.push({ ...file, key: `${under}${file.key}` })
    } else files.push({ path, size: about.size, key: isFolder ? `${prefix}${baseName(path)}` : prefix })
  }
  if (files.length > 1 && !isFolder && !recursive)
    throw usage('several files go into a folder: end the destination with /')
  return { type: 'files', files }
}

const SHOWN_OTHERS = 3

/** Regular files, with their paths below it as keys. Of links, pipes and the like it is told that they are passed over. */
export async function filesUnder(
  directory: string,
  { warning }: Pick<Call['out'], 'warning'>,
): Promise<readonly Source[]> {
  const found = await readdir(directory, { recursive: true, withFileTypes: true })
  const others = found.filter((entry) => !entry.isFile() && !entry.isDirectory())
  if (others.length > 0) {
    const names = others.slice(0, SHOWN_OTHERS).map((entry) => relative(directory, join(entry.parentPath, entry.name)))
    const more = others.length > SHOWN_OTHERS ? ', …' : ''
    warning(
      `Links and special files are passed over, ${others.length.toLocaleString('en-US')} here: ${names.join(', ')}${more}`,
    )
  }
  const files = found.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  const sized = await Promise.all(files.map(async (path) => ({ path, size: (await stat(path)).size })))
  return sized
    .map(({ path, size }) => ({ path, size, key: relative(directory, path).split(sep).join('/') }))
    .toSorted((a, b) => (a.key < b.key ? -1 : 1))
}

function planFiles({ out }: Call, bucket: string, files: readonly Source[]) {
  for (const { path, key, size } of files)
    out.item({ file: path, bucket, key, size }, () => `+ ${bucket}/${key}  ${sizeText(size)}`, `${bucket}/${key}`)
  const bytes = files.reduce((sum, { size }) => sum + size, 0)
  out.result(
    { files: files.length, bytes, dryRun: true },
    () => `${countText(files.length, 'file')}, ${sizeText(bytes)}, would be stored. Nothing was.`,
  )
  return 'done' as const
}

async function putFiles(call: Call, bucket: string, files: readonly Source[]) {
  const server = await call.server()
  const s3 = await server.s3()
  const progress = call.progress()
  progress.total(
    files.reduce((sum, { size }) => sum + size, 0),
    files.length,
  )
  const parallel = Math.max(1, call.count('parallel') ?? 4)
  const options = await transferOptions(call)
  const failed = failedItems(call, server.s3Url)
  let [done, bytes] = [0, 0]
  await inParallel(files, files.length > 1 ? parallel : 1, async ({ path, key, size }) => {
    progress.begin(key, size)
    const pieces = await openPieces(path)
    try {
      const about = [server.s3Url, bucket, key, path, pieces.size, pieces.mtimeMs]
      const uploaded = await upload(s3, {
        ...{ bucket, key, ...options, read: pieces.read, size: pieces.size },
        settings: await sentOptions(call, path),
        onBytes: progress.add,
        notes: await uploadNotes(call.environment, about),
      })
      done++
      bytes += pieces.size
      progress.itemDone()
      progress.clear()
      const document = { file: path, bucket, key, size: pieces.size, ...uploaded }
      const resumed = uploaded.resumedBytes > 0 ? `, ${sizeText(uploaded.resumedBytes)} of it were there` : ''
      call.out.item(document, () => `✓ ${bucket}/${key}  ${sizeText(pieces.size)}${resumed}`, `${bucket}/${key}`)
    } catch (error) {
      if (call.signal.aborted || files.length === 1) throw error
      progress.clear()
      failed.add(`${bucket}/${key}`, error)
    } finally {
      await pieces.close()
    }
  })
  failed.check(done, `${failed.count()} of ${countText(files.length, 'file')} could not be stored`)
  call.out.result({ files: done, bytes }, () =>
    files.length > 1 ? `${countText(done, 'file')}, ${sizeText(bytes)}` : undefined,
  )
  return 'done' as const
}

/** Its length is not known before its end: what fits a part goes in one piece, the rest in parts. */
async function putStdin(call: Call, { bucket, key }: ObjectReference) {
  const server = await call.server()
  const content = await collected(call)
  try {
    const uploaded = await upload(await server.s3(), {
      ...{ bucket, key, ...(await transferOptions(call)), read: content.read, size: content.size },
      settings: await sentOptions(call, key),
      onBytes: call.progress().add,
    })
    call.progress().clear()
    call.out.result(
      { bucket, key, size: content.size, ...uploaded },
      () => `✓ ${bucket}/${key}  ${sizeText(content.size)}`,
    )
    return 'done' as const
  } finally {
    await content.close()
  }
}

async function transferOptions(call: Call): Promise<Pick<Upload, 'partBytes' | 'atOnce' | 'signal'>> {
  const text = call.text('part-size')
  const partBytes = text === undefined ? undefined : readSize(text)
  if (text !== undefined && (partBytes === undefined || partBytes < LEAST_PART_BYTES))
    throw usage('--part-size takes 5MiB or more')
  return {
    signal: call.signal,
    atOnce: Math.max(1, call.count('parallel') ?? 4),
    ...(partBytes === undefined ? {} : { partBytes }),
  }
}
