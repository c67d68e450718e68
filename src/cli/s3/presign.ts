import type { S3 } from '@aws-sdk/client-s3'

interface Link {
  readonly bucket: string
  readonly key: string
  readonly versionId: string | undefined
  readonly isUpload: boolean
  readonly seconds: number
}

export async function presigned(s3: S3, { bucket, key, versionId, isUpload, seconds }: Link): Promise<string> {
  const [{ getSignedUrl }, { GetObjectCommand, PutObjectCommand }] = await Promise.all([
    import('@aws-sdk/s3-request-presigner'),
    import('@aws-sdk/client-s3'),
  ])
  const input = { Bucket: bucket, Key: key, ...(versionId === undefined ? {} : { VersionId: versionId }) }
  return isUpload
    ? getSignedUrl(s3, new PutObjectCommand(input), { expiresIn: seconds })
    : getSignedUrl(s3, new GetObjectCommand(input), { expiresIn: seconds })
}
