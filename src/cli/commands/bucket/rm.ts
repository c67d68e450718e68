import type { S3 } from '@aws-sdk/client-s3'
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
    const held = { versions: 0, bytes: 0 }
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
    const lines = [
      `${name} goes, with ${countText(held.versions, 'version')} of objects, ${sizeText(held.bytes)}. Nothing brings them back.`,
    ]
    if (!(await confirmed(call, { name, lines, document: { bucket: name, ...held } }))) return 'done'
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
  const { Uploads: uploads = [] } = await s3.listMultipartUploads({ Bucket: bucket })
  for (const { Key, UploadId } of uploads) await s3.abortMultipartUpload({ Bucket: bucket, Key, UploadId })
}
