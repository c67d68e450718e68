import { createReadStream, createWriteStream } from 'node:fs'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import {
  CopyObjectCommand,
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
} from '@aws-sdk/client-s3'
import { Upload } from '@aws-sdk/lib-storage'
import uploadPackage from '@aws-sdk/lib-storage/package.json' with { type: 'json' }
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import { s3ClientFor } from '../support/s3.ts'
import type { Client, ObjectVerbs, Target } from './client.ts'
import { objectSteps } from './object-steps.ts'

export const awsLibStorage: Client = {
  name: '@aws-sdk/lib-storage',
  install: async () => {},
  version: async () => uploadPackage.version,
  connect: async (target) => ({ steps: objectSteps('lib-storage', verbsFor(target), target) }),
}

function verbsFor(target: Target): ObjectVerbs {
  const client = s3ClientFor(target)
  return {
    makeBucket: async (bucket) => void (await client.send(new CreateBucketCommand({ Bucket: bucket }))),
    put: async (bucket, key, file) => {
      const params = { Bucket: bucket, Key: key, Body: createReadStream(file) }
      await new Upload({ client, params, partSize: 5 * 1024 * 1024, queueSize: 4 }).done()
    },
    get: async (bucket, key, file) => {
      const { Body: body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key }))
      if (!(body instanceof Readable)) throw new Error('no body')
      await pipeline(body, createWriteStream(file))
    },
    list: async (bucket, prefix, delimiter) => {
      const page = await client.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix, Delimiter: delimiter }))
      return {
        keys: (page.Contents ?? []).flatMap(({ Key: key }) => key ?? []),
        prefixes: (page.CommonPrefixes ?? []).flatMap((one) => one.Prefix ?? []),
      }
    },
    range: async (bucket, key, start, end) => {
      const command = new GetObjectCommand({ Bucket: bucket, Key: key, Range: `bytes=${start}-${end}` })
      const { Body: body } = await client.send(command)
      return Buffer.from((await body?.transformToByteArray()) ?? [])
    },
    copy: async (bucket, from, to) => {
      const source = `${bucket}/${encodeURIComponent(from)}`
      await client.send(new CopyObjectCommand({ Bucket: bucket, Key: to, CopySource: source }))
    },
    presignGet: (bucket, key) => getSignedUrl(client, new GetObjectCommand({ Bucket: bucket, Key: key })),
    presignPut: (bucket, key) => getSignedUrl(client, new PutObjectCommand({ Bucket: bucket, Key: key })),
    remove: async (bucket, key) => void (await client.send(new DeleteObjectCommand({ Bucket: bucket, Key: key }))),
    removeBucket: async (bucket) => void (await client.send(new DeleteBucketCommand({ Bucket: bucket }))),
  }
}
