import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import {
  CreateBucketCommand,
  GetObjectCommand,
  type GetObjectCommandInput,
  type GetObjectCommandOutput,
  PutObjectCommand,
  type PutObjectCommandInput,
  type PutObjectCommandOutput,
  type S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3'
import { startHouse, type TestHouse, type TestHouseOptions } from './house.ts'
import { type RawS3Reply, type RawS3Request, sendRaw } from './raw-s3.ts'

/** A server with one bucket, and the few verbs that every test of objects needs. */
export interface ObjectHouse extends TestHouse {
  readonly s3: S3Client
  readonly bucket: string
  readonly put: (
    key: string,
    body: NonNullable<PutObjectCommandInput['Body']>,
    more?: Partial<PutObjectCommandInput>,
  ) => Promise<PutObjectCommandOutput>
  readonly get: (
    key: string,
    more?: Partial<GetObjectCommandInput>,
  ) => Promise<GetObjectCommandOutput & { readonly bytes: Buffer }>
  /** Raw and signed; `path` is below the bucket. */
  readonly raw: (request: Omit<RawS3Request, 'path'> & { readonly key: string }) => Promise<RawS3Reply>
  /** Ids of all that is stored, once the collector has nothing left to do. */
  readonly blobs: () => Promise<string[]>
  /** Files that hold one blob each, finished or not. */
  readonly blobFiles: () => Promise<string[]>
}

/** With `isFilled` its directory has the bucket already. */
export async function startObjectHouse(
  options: TestHouseOptions & { readonly isFilled?: boolean } = {},
): Promise<ObjectHouse> {
  const test = await startHouse(options)
  const s3 = test.client()
  const bucket = 'objects'
  if (!options.isFilled) await s3.send(new CreateBucketCommand({ Bucket: bucket }))
  return {
    ...test,
    s3,
    bucket,
    put: (key, body, more = {}) => s3.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: body, ...more })),
    get: async (key, more = {}) => {
      const input: GetObjectCommandInput = { Bucket: bucket, Key: key, ...more }
      const reply = await s3.send(new GetObjectCommand(input))
      return { ...reply, bytes: Buffer.from((await reply.Body?.transformToByteArray()) ?? []) }
    },
    raw: ({ key, ...request }) => sendRaw(test.s3Url, { ...request, path: `/${bucket}/${key}` }),
    blobs: async () => {
      const { objects, blobs } = test.house
      await objects.garbage.settled()
      const pages = await Promise.all((await blobs.leases()).map((lease) => blobs.list(lease, undefined, 100_000)))
      return pages.flat().map(({ id }) => id)
    },
    blobFiles: async () => {
      const entries = await readdir(join(test.dataDir, 'blobs'), { recursive: true, withFileTypes: true })
      return entries
        .filter((entry) => entry.isFile() && entry.parentPath.includes('/f/'))
        .map(({ parentPath, name }) => join(parentPath, name))
    },
  }
}

/** `status code` of what the SDK throws, '200' when it does not. */
export async function refusal(work: Promise<unknown>): Promise<string> {
  try {
    await work
    return '200'
  } catch (error) {
    if (error instanceof S3ServiceException) return `${error.$metadata.httpStatusCode} ${error.name}`
    throw error
  }
}
