import { paginateListObjectsV2, type S3Client } from '@aws-sdk/client-s3'

/** What a listing says of every object of a bucket: alike before and after when nothing was written between. */
export async function stateOf(client: S3Client, bucket: string, prefix = ''): Promise<readonly object[]> {
  const state: object[] = []
  for await (const { Contents: contents = [] } of paginateListObjectsV2({ client }, { Bucket: bucket, Prefix: prefix }))
    state.push(...contents.map(({ Key, ETag, LastModified, Size }) => ({ Key, ETag, LastModified, Size })))
  return state
}

export async function bytesIn(client: S3Client, bucket: string): Promise<number> {
  let bytes = 0
  for await (const { Contents: contents = [] } of paginateListObjectsV2({ client }, { Bucket: bucket }))
    for (const { Size = 0 } of contents) bytes += Size
  return bytes
}
