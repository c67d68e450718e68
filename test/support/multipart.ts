import {
  type CompletedPart,
  CompleteMultipartUploadCommand,
  type CompleteMultipartUploadCommandInput,
  type CompleteMultipartUploadCommandOutput,
  CreateMultipartUploadCommand,
  type CreateMultipartUploadCommandInput,
  UploadPartCommand,
  type UploadPartCommandInput,
} from '@aws-sdk/client-s3'
import type { ObjectHouse } from './object-house.ts'

type UploadPlace = Pick<ObjectHouse, 's3' | 'bucket'>

export const MIN_PART_BYTES = 5 * 1024 * 1024

export interface InPartsOptions {
  /** 1, 2, 3 … unless given. */
  readonly numbers?: readonly number[]
  readonly create?: Partial<CreateMultipartUploadCommandInput>
  readonly part?: Partial<UploadPartCommandInput>
  readonly complete?: Partial<CompleteMultipartUploadCommandInput>
}

export async function createUpload(
  { s3, bucket }: UploadPlace,
  key: string,
  more: Partial<CreateMultipartUploadCommandInput> = {},
): Promise<string> {
  const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ Bucket: bucket, Key: key, ...more }))
  if (!UploadId) throw new Error('no upload id')
  return UploadId
}

/** Resolves to what CompleteMultipartUpload wants of the part. */
export async function sendPart(
  { s3, bucket }: UploadPlace,
  key: string,
  uploadId: string,
  number: number,
  body: Buffer | string,
  more: Partial<UploadPartCommandInput> = {},
): Promise<CompletedPart> {
  const command = new UploadPartCommand({
    Bucket: bucket,
    Key: key,
    UploadId: uploadId,
    PartNumber: number,
    Body: body,
    ...more,
  })
  const { $metadata: _, ...part } = await s3.send(command)
  return { ...part, PartNumber: number }
}

export const complete = (
  { s3, bucket }: UploadPlace,
  key: string,
  uploadId: string,
  parts: CompletedPart[],
  more: Partial<CompleteMultipartUploadCommandInput> = {},
): Promise<CompleteMultipartUploadCommandOutput> =>
  s3.send(
    new CompleteMultipartUploadCommand({
      Bucket: bucket,
      Key: key,
      UploadId: uploadId,
      MultipartUpload: { Parts: parts },
      ...more,
    }),
  )

export async function uploadInParts(
  house: UploadPlace,
  key: string,
  bodies: readonly Buffer[],
  options: InPartsOptions = {},
): Promise<CompleteMultipartUploadCommandOutput & { readonly uploadId: string; readonly parts: CompletedPart[] }> {
  const uploadId = await createUpload(house, key, options.create)
  const parts = await Promise.all(
    bodies.map((body, index) =>
      sendPart(house, key, uploadId, options.numbers?.[index] ?? index + 1, body, options.part),
    ),
  )
  return { ...(await complete(house, key, uploadId, parts, options.complete)), uploadId, parts }
}
