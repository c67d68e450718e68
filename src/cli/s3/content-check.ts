import { createReadStream } from 'node:fs'
import type { HeadObjectCommandOutput } from '@aws-sdk/client-s3'
import type { HashAlgorithm } from '../../base/checksums.ts'
import { CommandFailure } from '../failure.ts'

/** What an answer tells that a content can be checked against. */
export interface ContentCheck {
  readonly algorithm: HashAlgorithm
  /** Lower case hex. */
  readonly digest: string
}

type Told = Pick<
  HeadObjectCommandOutput,
  | 'ChecksumCRC32'
  | 'ChecksumCRC32C'
  | 'ChecksumCRC64NVME'
  | 'ChecksumSHA1'
  | 'ChecksumSHA256'
  | 'ChecksumType'
  | 'ETag'
  | 'ServerSideEncryption'
>

/**
 * The checksum of the whole content; one of parts says nothing without them. An ETag is the MD5 of what was put in one piece,
 * where the server says so by its form: undefined otherwise.
 */
export function checkOf(told: Told, isEtagMd5: boolean): ContentCheck | undefined {
  const sums = [
    ['sha256', told.ChecksumSHA256],
    ['crc64nvme', told.ChecksumCRC64NVME],
    ['crc32c', told.ChecksumCRC32C],
    ['crc32', told.ChecksumCRC32],
    ['sha1', told.ChecksumSHA1],
  ] as const
  const found = sums.find(([, sum]) => sum !== undefined && !sum.includes('-'))
  if (found?.[1] !== undefined && told.ChecksumType !== 'COMPOSITE') {
    return { algorithm: found[0], digest: Buffer.from(found[1], 'base64').toString('hex') }
  }
  const etag = told.ETag?.replaceAll('"', '') ?? ''
  return isEtagMd5 && /^[0-9a-f]{32}$/.test(etag) ? { algorithm: 'md5', digest: etag } : undefined
}

/** Throws ContentDamaged when the file is not what the check says. */
export async function checkFile(path: string, { algorithm, digest }: ContentCheck): Promise<void> {
  const { createHasher } = await import('../../base/checksums.ts')
  const hasher = createHasher(algorithm)
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 })) hasher.update(chunk)
  const found = hasher.digest().toString('hex')
  if (found !== digest) throw damaged(algorithm, digest, found)
}

export const damaged = (algorithm: string, wanted: string, found: string): CommandFailure =>
  new CommandFailure({
    code: 'ContentDamaged',
    ending: 'damage',
    why: `what came is not what was stored: its ${algorithm} is ${found}, and should be ${wanted}`,
  })
