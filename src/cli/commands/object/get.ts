import { stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { Call } from '../../call.ts'
import { DRY_RUN } from '../../described.ts'
import { usage } from '../../failure.ts'
import { failedItems } from '../../item-failure.ts'
import { download } from '../../s3/download.ts'
import { inside } from '../../s3/inside.ts'
import { objects } from '../../s3/listing.ts'
import { baseName, type ObjectReference, readReference } from '../../s3/references.ts'
import { inParallel } from '../../s3/workers.ts'
import type { CommandSpec } from '../../spec.ts'
import { countText, sizeText } from '../../units.ts'

export const getObjects: CommandSpec = {
  name: 'get',
  summary: 'Fetches an object, or with --recursive all below a prefix.',
  about: 'A file is put in its place only when it is whole and its checksum is right.',
  arguments: [
    { name: 'object', help: 'bucket/key, or bucket/prefix with --recursive', kind: 'object' },
    { name: 'file', help: 'file or directory; the working directory by default', optional: true, kind: 'file' },
  ],
  options: {
    recursive: { help: 'all objects below the prefix' },
    'version-id': { value: 'id', help: 'this version' },
    parallel: { value: 'n', help: 'pieces, or objects, that are fetched at once; 4 by default' },
    ...DRY_RUN,
  },
  again: 'of what was not whole nothing was left',
  examples: [
    'coffer object get invoices/2026/report.pdf',
    'coffer object get invoices/2026/ copies --recursive',
    'coffer object get invoices/2026/ copies --recursive --dry-run',
  ],
  see: ['coffer object cat', 'coffer object sync'],
  run: async (call) => {
    const reference = readReference(call.argument('object'))
    call.doing(`fetch ${call.argument('object')}`)
    call.about(reference.bucket)
    return call.flag('recursive') ? getAll(call, reference) : getOne(call, reference)
  },
}

async function getOne(call: Call, { bucket, key }: ObjectReference) {
  if (key === '') throw usage(`${bucket} is a bucket`, `coffer object get ${bucket} --recursive`)
  const s3 = await (await call.server()).s3()
  const path = await placeOf(call.maybe('file'), { bucket, key })
  if (call.flag('dry-run')) {
    const { ContentLength: size = 0 } = await s3.headObject({
      Bucket: bucket,
      Key: key,
      VersionId: call.text('version-id'),
    })
    call.out.result(
      { bucket, key, file: path, size, dryRun: true },
      () => `+ ${path}  ${sizeText(size)}\nNothing was changed.`,
    )
    return 'done' as const
  }
  const progress = call.progress()
  progress.begin(key, undefined)
  const got = await download(s3, {
    ...{
      bucket,
      key,
      path,
      mayPour: true,
      signal: call.signal,
      versionId: call.text('version-id'),
      atOnce: Math.max(1, call.count('parallel') ?? 4),
    },
    onSize: progress.total,
    onBytes: progress.add,
  })
  progress.clear()
  call.out.result(
    { bucket, key, file: path, ...got },
    () => `✓ ${path}  ${sizeText(got.size)}${got.checked === undefined ? '' : `, its ${got.checked} is right`}`,
  )
  return 'done' as const
}

async function placeOf(file: string | undefined, { bucket, key }: ObjectReference): Promise<string> {
  const name = baseName(key)
  if (file === undefined) return name
  if (file === '-') throw usage('to standard output it goes with cat', `coffer object cat ${bucket}/${key}`)
  const isDirectory =
    file.endsWith('/') ||
    (await stat(file).then(
      (found) => found.isDirectory(),
      () => false,
    ))
  return isDirectory ? join(file, name) : file
}

async function getAll(call: Call, { bucket, key: prefix }: ObjectReference) {
  const server = await call.server()
  const s3 = await server.s3()
  const root = resolve(call.maybe('file') ?? '.')
  const progress = call.progress()
  const failed = failedItems(call, server.s3Url)
  const sum = { objects: 0, bytes: 0 }
  const isDry = call.flag('dry-run')
  await inParallel(
    objects(s3, { bucket, prefix, signal: call.signal }),
    Math.max(1, call.count('parallel') ?? 4),
    async ({ key, size }) => {
      // A folder that some clients make as an object of its own.
      if (key.endsWith('/')) return
      progress.begin(key, size)
      try {
        const path = await inside(root, key.slice(prefix.lastIndexOf('/') + 1))
        if (isDry) {
          sum.objects++
          sum.bytes += size
          return call.out.item({ key, file: path, size }, () => `+ ${path}  ${sizeText(size)}`, path)
        }
        const got = await download(s3, { bucket, key, path, signal: call.signal, atOnce: 1, onBytes: progress.add })
        sum.objects++
        sum.bytes += got.size
        progress.clear()
        call.out.item({ key, file: path, ...got }, () => `✓ ${path}  ${sizeText(got.size)}`, path)
      } catch (error) {
        if (call.signal.aborted) throw error
        progress.clear()
        failed.add(`${bucket}/${key}`, error)
      }
    },
  )
  failed.check(sum.objects, `${countText(failed.count(), 'object')} could not be fetched`)
  const all = `${countText(sum.objects, 'object')}, ${sizeText(sum.bytes)}`
  call.out.result({ ...sum, failed: 0, ...(isDry ? { dryRun: true } : {}) }, () =>
    isDry ? `${all}, would be fetched. Nothing was.` : all,
  )
  return 'done' as const
}
