import type { S3 } from '@aws-sdk/client-s3'
import { numberOf } from '../json.ts'

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
    if (!isXml(item.key)) {
      const gone = await removeOne(s3, bucket, item)
      if (gone === true) onRemoved(item)
      else failed.push(gone)
      continue
    }
    batch.push(item)
    if (batch.length === AT_ONCE) await flush()
  }
  await flush()
  return failed
}

/** XML 1.0 has no way to write some characters that keys may have: then one such key would keep a thousand others. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it is about
const isXml = (key: string): boolean => !/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/.test(key)

async function removeOne(s3: S3, bucket: string, { key, versionId }: Removable): Promise<true | NotRemoved> {
  const which = versionId === undefined ? {} : { VersionId: versionId }
  try {
    await s3.deleteObject({ Bucket: bucket, Key: key, ...which })
    return true
  } catch (error) {
    if (numberOf(error, '$metadata', 'httpStatusCode') === undefined || !(error instanceof Error)) throw error
    return { key, versionId: versionId ?? '', code: error.name, why: error.message }
  }
}
