import type { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import type { Client, ObjectVerbs, Target } from './client.ts'
import { installNpm, npmVersion, requireFrom } from './install.ts'
import { objectSteps } from './object-steps.ts'

/** What is used of the package, which is not among the project's dependencies. */
interface Minio {
  readonly makeBucket: (bucket: string, region: string) => Promise<void>
  readonly fPutObject: (bucket: string, key: string, file: string) => Promise<unknown>
  readonly fGetObject: (bucket: string, key: string, file: string) => Promise<void>
  readonly listObjectsV2: (
    bucket: string,
    prefix: string,
    recursive: boolean,
  ) => AsyncIterable<{ name?: string; prefix?: string }>
  readonly getPartialObject: (bucket: string, key: string, offset: number, length: number) => Promise<Readable>
  readonly copyObject: (bucket: string, to: string, source: string) => Promise<unknown>
  readonly presignedGetObject: (bucket: string, key: string, expirySeconds: number) => Promise<string>
  readonly presignedPutObject: (bucket: string, key: string, expirySeconds: number) => Promise<string>
  readonly removeObject: (bucket: string, key: string) => Promise<void>
  readonly removeBucket: (bucket: string) => Promise<void>
}

export const MINIO_PACKAGES = 'npm-minio'

export const minioNpm: Client = {
  name: 'minio (npm)',
  install: () => installNpm(MINIO_PACKAGES, ['minio@8.0.7']),
  version: () => npmVersion(MINIO_PACKAGES, 'minio'),
  connect: async (target) => ({ steps: objectSteps('minio-npm', verbsFor(target), target) }),
}

/** What the package's client takes to reach the target. */
export function minioOptions(target: Target): object {
  const { hostname, port } = new URL(target.s3Url)
  return {
    endPoint: hostname,
    port: Number(port),
    useSSL: false,
    region: target.region,
    accessKey: target.accessKeyId,
    secretKey: target.secretAccessKey,
    partSize: 5 * 1024 * 1024,
  }
}

function verbsFor(target: Target): ObjectVerbs {
  const module: { Client: new (options: object) => Minio } = requireFrom(MINIO_PACKAGES)('minio')
  const minio = new module.Client(minioOptions(target))
  return {
    makeBucket: (bucket) => minio.makeBucket(bucket, target.region),
    put: async (bucket, key, file) => void (await minio.fPutObject(bucket, key, file)),
    get: (bucket, key, file) => minio.fGetObject(bucket, key, file),
    list: async (bucket, prefix, delimiter) => {
      const found = await Array.fromAsync(minio.listObjectsV2(bucket, prefix, delimiter === undefined))
      return { keys: found.flatMap(({ name }) => name ?? []), prefixes: found.flatMap((one) => one.prefix ?? []) }
    },
    range: async (bucket, key, start, end) => buffer(await minio.getPartialObject(bucket, key, start, end - start + 1)),
    copy: async (bucket, from, to) =>
      void (await minio.copyObject(bucket, to, `/${bucket}/${encodeURIComponent(from)}`)),
    presignGet: (bucket, key) => minio.presignedGetObject(bucket, key, 300),
    presignPut: (bucket, key) => minio.presignedPutObject(bucket, key, 300),
    remove: (bucket, key) => minio.removeObject(bucket, key),
    removeBucket: (bucket) => minio.removeBucket(bucket),
  }
}
