import type { MultipartUpload, S3 } from '@aws-sdk/client-s3'
import { radiusLines, radiusOfBucket } from '../../blast-radius.ts'
import { confirmed } from '../../confirm.ts'
import { CommandFailure } from '../../failure.ts'
import { versions } from '../../s3/listing.ts'
import { readBucket } from '../../s3/references.ts'
import { removeVersions } from '../../s3/remove.ts'
import type { CommandSpec } from '../../spec.ts'
import { countText, sizeText } from '../../units.ts'

export const removeBucket: CommandSpec = {
  name: 'rm',
  summary: 'Removes a bucket.',
  about:
    'One that is not empty only with --force, which removes every version of every object first. What is retained or held stays, and then the bucket does, too.',
  arguments: [{ name: 'bucket', help: 'name', kind: 'bucket' }],
  options: { force: { help: 'also one that is not empty: everything in it is removed for good' } },
  destructive: true,
  examples: ['coffer bucket rm old-logs --force --dry-run', 'coffer bucket rm old-logs --force --yes'],
  see: ['coffer object rm'],
  run: async (call) => {
    const name = readBucket(call.argument('bucket'))
    call.doing(`remove bucket ${name}`)
    const server = await call.server()
    const s3 = await server.s3()
    await s3.headBucket({ Bucket: name })
    const held = { versions: 0, bytes: 0, uploads: await countOf(uploadsIn(s3, name)) }
    for await (const { size } of versions(s3, { bucket: name, signal: call.signal })) {
      held.versions++
      held.bytes += size
    }
    if (held.versions > 0 && !call.flag('force')) {
      throw new CommandFailure({
        code: 'BucketNotEmpty',
        ending: 'conflict',
        why: `it holds ${countText(held.versions, 'version')} of objects, ${sizeText(held.bytes)}`,
        fixes: [`coffer bucket rm ${name} --force`],
      })
    }
    const { bytes, uploads, versions: objects } = held
    const radius = await radiusOfBucket(server, { name, objects, bytes, uploads, nowMs: call.out.nowMs })
    const lines =
      held.versions + held.uploads === 0
        ? [`${name} goes. It is empty.`]
        : radiusLines(radius, {
            title: 'It goes with every version of all that is in it, and nothing brings it back',
            nothing: '',
            counted: 'version',
            nowMs: call.out.nowMs,
          })
    if (!(await confirmed(call, { name, lines, document: { bucket: name, ...held, ...radius } }))) return 'done'
    const failed =
      held.versions === 0 ? [] : await removeVersions(s3, name, versions(s3, { bucket: name, signal: call.signal }))
    if (failed.length > 0) {
      for (const { key, versionId, code } of failed.slice(0, 20))
        call.out.warning(`${key} (version ${versionId}) stays: ${code}`)
      throw new CommandFailure({
        code: 'PartlyDone',
        ending: 'partly',
        why: `${countText(failed.length, 'version')} could not be removed`,
      })
    }
    await abortUploads(s3, name)
    await s3.deleteBucket({ Bucket: name })
    call.out.answer({ removed: name, ...held }, () => `✓ ${name} was removed`, [name])
    return 'done'
  },
}

async function abortUploads(s3: S3, bucket: string): Promise<void> {
  for await (const { Key, UploadId } of uploadsIn(s3, bucket))
    await s3.abortMultipartUpload({ Bucket: bucket, Key, UploadId })
}

async function countOf(list: AsyncIterable<unknown>): Promise<number> {
  let count = 0
  for await (const _ of list) count++
  return count
}

async function* uploadsIn(s3: S3, Bucket: string): AsyncGenerator<MultipartUpload> {
  let markers = {}
  for (;;) {
    const page = await s3.listMultipartUploads({ Bucket, ...markers })
    yield* page.Uploads ?? []
    if (page.IsTruncated !== true) return
    markers = { KeyMarker: page.NextKeyMarker, UploadIdMarker: page.NextUploadIdMarker }
  }
}
