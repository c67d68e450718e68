import type { S3 } from '@aws-sdk/client-s3'
import { confirmed } from '../../confirm.ts'
import { CommandFailure, usage } from '../../failure.ts'
import { textOf } from '../../json.ts'
import { endingOf, sentence } from '../../refusal.ts'
import { objects, versions } from '../../s3/listing.ts'
import { readReference } from '../../s3/references.ts'
import { type Removable, removeVersions } from '../../s3/remove.ts'
import { RETAINED } from '../../s3-failure.ts'
import type { CommandSpec } from '../../spec.ts'
import { countText, sizeText } from '../../units.ts'

export const removeObjects: CommandSpec = {
  name: 'rm',
  summary: 'Removes an object, a version, or with --recursive all below a prefix.',
  about:
    'In a bucket with versioning the versions stay, and `coffer object restore` brings an object back; --versions removes them, too.',
  arguments: [{ name: 'object', help: 'bucket/key, or bucket/prefix with --recursive', kind: 'object' }],
  options: {
    recursive: { help: 'all objects below the prefix' },
    versions: { help: 'every version, for good' },
    'version-id': { value: 'id', help: 'this version, for good' },
  },
  destructive: true,
  examples: [
    'coffer object rm invoices/2026/draft.txt --yes',
    'coffer object rm invoices/tmp/ --recursive --versions --dry-run',
  ],
  see: ['coffer object restore', 'coffer bucket rm'],
  run: async (call) => {
    const { bucket, key } = readReference(call.argument('object'))
    const name = `${bucket}/${key}`
    call.doing(`remove ${name}`)
    call.about(bucket)
    const recursive = call.flag('recursive')
    if (key === '' && !recursive) throw usage(`${bucket} is a bucket`, `coffer object rm ${bucket} --recursive`)
    const s3 = await (await call.server()).s3()
    const versionId = call.text('version-id')
    const wanted = { bucket, prefix: key, signal: call.signal }
    const meant = async function* (): AsyncGenerator<Removable & { readonly size: number }> {
      if (versionId !== undefined) {
        yield { key, versionId, size: await sizeOf(s3, { bucket, key, versionId }) }
      } else if (call.flag('versions')) {
        for await (const one of versions(s3, wanted)) if (recursive || one.key === key) yield one
      } else if (recursive) {
        for await (const one of objects(s3, wanted)) yield { key: one.key, size: one.size }
      } else {
        yield { key, size: await sizeOf(s3, { bucket, key }) }
      }
    }
    const held = { objects: 0, bytes: 0 }
    for await (const { size } of meant()) {
      held.objects++
      held.bytes += size
    }
    const what = call.flag('versions') || versionId !== undefined ? 'version' : 'object'
    const lines = [
      `${countText(held.objects, what)}, ${sizeText(held.bytes)}, ${held.objects === 1 ? 'goes' : 'go'} from ${name}.`,
    ]
    if (!(await confirmed(call, { name, lines, document: { bucket, key, ...held } }))) return 'done'
    const failed = await removeVersions(s3, bucket, meant(), (gone) =>
      call.out.item(
        { removed: gone.key, versionId: gone.versionId },
        () => (recursive ? `✓ ${gone.key}` : undefined),
        `${bucket}/${gone.key}`,
      ),
    )
    for (const one of failed) call.out.warning(`${one.key} stays: ${one.code}`)
    const [first] = failed
    if (first) {
      const isAll = failed.length === held.objects
      throw new CommandFailure({
        code: isAll ? first.code : 'PartlyDone',
        ending: isAll ? (RETAINED.test(first.why) ? 'conflict' : endingOf(first.code, undefined)) : 'partly',
        why: `${countText(failed.length, what)} could not be removed: ${sentence(first.why)}`,
      })
    }
    call.out.result(
      { removed: held.objects, bytes: held.bytes },
      () => `✓ ${countText(held.objects, what)} removed, ${sizeText(held.bytes)}`,
    )
    return 'done'
  },
}

interface Wanted {
  readonly bucket: string
  readonly key: string
  readonly versionId?: string
}

/** 0 while its root key may not be used: what cannot be read can be removed nevertheless. */
async function sizeOf(s3: S3, { bucket, key, versionId }: Wanted): Promise<number> {
  const wanted = { Bucket: bucket, Key: key, ...(versionId === undefined ? {} : { VersionId: versionId }) }
  try {
    return (await s3.headObject(wanted)).ContentLength ?? 0
  } catch (error) {
    if (textOf(error, 'name')?.startsWith('KMS.')) return 0
    throw error
  }
}
