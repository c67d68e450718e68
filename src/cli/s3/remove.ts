import type { S3 } from '@aws-sdk/client-s3'

export interface Removable {
  readonly key: string
  readonly versionId?: string
}

export interface NotRemoved {
  readonly key: string
  readonly versionId: string
  readonly code: string
  readonly why: string
}

const AT_ONCE = 1000

/** Each by its version where it has one; resolves to those that stay. */
export async function removeVersions(
  s3: S3,
  bucket: string,
  items: AsyncIterable<Removable>,
  onRemoved: (item: Removable) => void = () => {},
): Promise<readonly NotRemoved[]> {
  const failed: NotRemoved[] = []
  let batch: Removable[] = []
  const flush = async (): Promise<void> => {
    if (batch.length === 0) return
    const { Errors: errors = [] } = await s3.deleteObjects({
      Bucket: bucket,
      Delete: {
        Quiet: true,
        Objects: batch.map(({ key, versionId }) => ({
          Key: key,
          ...(versionId === undefined ? {} : { VersionId: versionId }),
        })),
      },
    })
    const stays = new Set(errors.map(({ Key, VersionId }) => JSON.stringify([Key, VersionId ?? ''])))
    for (const { Key, VersionId, Code, Message } of errors)
      failed.push({ key: Key ?? '', versionId: VersionId ?? '', code: Code ?? '', why: Message ?? '' })
    for (const item of batch) if (!stays.has(JSON.stringify([item.key, item.versionId ?? '']))) onRemoved(item)
    batch = []
  }
  for await (const item of items) {
    batch.push(item)
    if (batch.length === AT_ONCE) await flush()
  }
  await flush()
  return failed
}
