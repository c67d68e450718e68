import type { Call } from '../../call.ts'
import { DRY_RUN } from '../../described.ts'
import { usage } from '../../failure.ts'
import { failedItems } from '../../item-failure.ts'
import { copyObject } from '../../s3/copy.ts'
import { objects } from '../../s3/listing.ts'
import { baseName, type ObjectReference, readReference } from '../../s3/references.ts'
import { inParallel } from '../../s3/workers.ts'
import type { CommandSpec } from '../../spec.ts'
import { countText, sizeText } from '../../units.ts'

const ARGUMENTS = [
  { name: 'source', help: 'bucket/key, or bucket/prefix with --recursive', kind: 'object' },
  { name: 'destination', help: 'bucket/key, or a folder: bucket or bucket/prefix/', kind: 'object' },
] as const

export const copyObjects: CommandSpec = {
  name: 'cp',
  summary: 'Copies objects within the server.',
  about:
    'No content crosses the network. Metadata and tags go along; the copy is sealed anew under the key of its bucket.',
  arguments: ARGUMENTS,
  options: {
    recursive: { help: 'all objects below the prefix' },
    'version-id': { value: 'id', help: 'of the source' },
    ...DRY_RUN,
  },
  examples: [
    'coffer object cp invoices/2026/report.pdf logs/report.pdf',
    'coffer object cp invoices/2026/ logs/2026/ --recursive --dry-run',
  ],
  see: ['coffer object mv', 'coffer object sync'],
  run: (call) => copyAll(call, 'copy'),
}

export const MOVE_ARGUMENTS = ARGUMENTS

/** Copies, and for `move` removes what was copied. */
export async function copyAll(call: Call, how: 'copy' | 'move') {
  const from = readReference(call.argument('source'))
  const to = readReference(call.argument('destination'))
  call.doing(`${how} ${call.argument('source')} to ${call.argument('destination')}`)
  call.about(from.bucket)
  const server = await call.server()
  const s3 = await server.s3()
  const failed = failedItems(call, server.s3Url)
  const sum = { objects: 0, bytes: 0 }
  const versionId = how === 'copy' ? call.text('version-id') : undefined
  const isDry = call.flag('dry-run')
  const sizeOf = async ({ bucket, key }: ObjectReference): Promise<number> =>
    (await s3.headObject({ Bucket: bucket, Key: key, VersionId: versionId })).ContentLength ?? 0
  const one = async (source: ObjectReference, target: ObjectReference, size?: number): Promise<void> => {
    if (source.bucket === target.bucket && source.key === target.key)
      throw usage(`${source.bucket}/${source.key} would be ${how === 'copy' ? 'copied' : 'moved'} onto itself`)
    const copied = isDry
      ? { size: size ?? (await sizeOf(source)) }
      : await copyObject(s3, { ...source, versionId }, target, call.signal)
    if (how === 'move' && !isDry) await s3.deleteObject({ Bucket: source.bucket, Key: source.key })
    sum.objects++
    sum.bytes += copied.size
    const [a, b] = [`${source.bucket}/${source.key}`, `${target.bucket}/${target.key}`]
    call.out.item(
      { source: a, destination: b, ...copied },
      () => `${isDry ? '+' : '✓'} ${a} → ${b}  ${sizeText(copied.size)}`,
      b,
    )
  }
  const dry = isDry ? { dryRun: true } : {}
  if (!call.flag('recursive')) {
    if (from.key === '') throw usage(`${from.bucket} is a bucket`, 'add --recursive')
    const isFolder = to.key === '' || to.key.endsWith('/')
    await one(from, isFolder ? { ...to, key: `${to.key}${baseName(from.key)}` } : to)
    call.out.result({ ...sum, ...dry }, () => (isDry ? 'Nothing was changed.' : undefined))
    return 'done' as const
  }
  const under = from.key.slice(0, from.key.lastIndexOf('/') + 1)
  await inParallel(
    objects(s3, { bucket: from.bucket, prefix: from.key, signal: call.signal }),
    4,
    async ({ key, size }) => {
      try {
        const folder = to.key === '' || to.key.endsWith('/') ? to.key : `${to.key}/`
        await one({ bucket: from.bucket, key }, { bucket: to.bucket, key: `${folder}${key.slice(under.length)}` }, size)
      } catch (error) {
        if (call.signal.aborted) throw error
        failed.add(`${from.bucket}/${key}`, error)
      }
    },
  )
  const done = how === 'copy' ? 'copied' : 'moved'
  failed.check(sum.objects, `${countText(failed.count(), 'object')} could not be ${done}`)
  const all = `${countText(sum.objects, 'object')}, ${sizeText(sum.bytes)}`
  call.out.result({ ...sum, failed: 0, ...dry }, () => (isDry ? `${all}, would be ${done}. Nothing was.` : all))
  return 'done' as const
}
