import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
  S3ServiceException,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { contentBytes, type Dice, diceFrom, hashOf } from '../../support/content.ts'
import {
  anyLength,
  anyLengthInParts,
  FLEETING,
  hashOfVersion,
  type KeyState,
  type Model,
  PART_BYTES,
  type Version,
} from './model.ts'

/** Nothing is appended to what it holds. */
export const WITH_VERSIONS = 'with-versions'

export interface LoadOptions {
  readonly client: S3Client
  readonly model: Model
  readonly buckets: readonly string[]
  readonly workers: number
  readonly keysPerWorker: number
  readonly seed: string
  /** Answers that a fault excuses. None by default: then a connection that breaks is all that may go wrong. */
  readonly excuses?: (error: S3ServiceException) => boolean
}

export interface Load {
  /** Resolves when every worker has met the end of the server. */
  readonly ended: Promise<void>
  readonly counts: () => Readonly<Record<string, number>>
  /** Answers that no client should have had, reads that gave wrong bytes, lists that left out what there is. */
  readonly violations: () => readonly string[]
}

/** Workers that write, copy, remove and read until `signal`, each on keys of its own, one request after the other. */
export function startLoad(options: LoadOptions, signal: AbortSignal): Load {
  const counts: Record<string, number> = {}
  const violations: string[] = []
  const workers = Array.from({ length: options.workers }, async (_, worker) => {
    const dice = diceFrom(`${options.seed}/${worker}`)
    for (let turn = 0; !signal.aborted; turn++) {
      const action = anyAction(options, worker, turn, dice)
      try {
        await action.run()
        counts[action.name] = (counts[action.name] ?? 0) + 1
      } catch (error) {
        if (signal.aborted) return
        if (error instanceof WrongAnswer || isUnexpectedAnswer(error, options))
          violations.push(`during ${action.name}: ${String(error)}`)
        counts['failed'] = (counts['failed'] ?? 0) + 1
      }
    }
  })
  return { ended: Promise.all(workers).then(() => undefined), counts: () => counts, violations: () => violations }
}

class WrongAnswer extends Error {}

/** An answer at all, that is: a connection that broke is what this test is about. */
const isUnexpectedAnswer = (error: unknown, { excuses }: LoadOptions): boolean =>
  error instanceof S3ServiceException && error.$response !== undefined && excuses?.(error) !== true

/** An answer to a write. */
export interface Written {
  readonly VersionId?: string | undefined
}

interface Action {
  readonly name: string
  readonly run: () => Promise<void>
}

function anyAction(options: LoadOptions, worker: number, turn: number, dice: Dice): Action {
  const { client, model } = options
  const keyOf = (number: number): string => `w${worker}/k${number % 3}/${number}`
  const bucket = dice.pick(options.buckets)
  const number = dice.below(options.keysPerWorker)
  const key = number === 0 ? `${FLEETING}w${worker}` : keyOf(number)
  const seed = `${options.seed}/${worker}/${turn}`
  const write = async (state: KeyState, send: () => Promise<Written>): Promise<void> => {
    model.begin(bucket, key, state)
    const { VersionId: versionId } = await send()
    model.acknowledge(bucket, key, state, versionId)
  }
  const kind = dice.below(100)
  if (kind < 55) {
    const version = { seed, lengthBytes: anyLength(dice) }
    return { name: 'put', run: () => write(version, () => put(client, bucket, key, version)) }
  }
  if (kind < 65) {
    return {
      name: 'delete',
      run: () => write(undefined, () => client.send(new DeleteObjectCommand({ Bucket: bucket, Key: key }))),
    }
  }
  if (kind < 71) {
    const version = { seed, lengthBytes: anyLengthInParts(dice) }
    const finish = dice.below(4) > 0
    const goesOn = finish && bucket !== WITH_VERSIONS && number > 0 && dice.below(2) === 0
    const longer = { ...version, lengthBytes: version.lengthBytes + 1 + dice.below(100_000) }
    return {
      name: goesOn ? 'multipart and append' : 'multipart',
      run: async () => {
        await putInParts(client, bucket, key, version, finish, (send) => write(version, send))
        if (goesOn) await write(longer, () => append(client, bucket, key, version, longer))
      },
    }
  }
  const [end, ...otherEnds] = model.at(bucket, key)
  if (kind < 79 && end !== undefined && otherEnds.length === 0 && bucket !== WITH_VERSIONS) {
    const version = { ...end, lengthBytes: end.lengthBytes + 1 + dice.below(100_000) }
    return { name: 'append', run: () => write(version, () => append(client, bucket, key, end, version)) }
  }
  if (kind >= 90) {
    const keys = Array.from({ length: options.keysPerWorker }, (_, at) => keyOf(at)).slice(1)
    return {
      name: 'list',
      run: () => list(options, { bucket, prefix: `w${worker}/`, keys, pageSize: dice.pick([2, 1000]) }),
    }
  }
  const from = { bucket: dice.pick(options.buckets), key: keyOf(dice.below(options.keysPerWorker)) }
  const [source, ...others] = model.at(from.bucket, from.key)
  if (source !== undefined && others.length === 0) {
    const isSame = from.bucket === bucket && from.key === key
    if (kind < 82 && !isSame) return { name: 'copy', run: () => write(source, () => copy(client, bucket, key, from)) }
    return { name: 'get', run: () => read(client, from.bucket, from.key, source) }
  }
  return { name: 'nothing', run: () => Promise.resolve() }
}

/** What is appended to goes on as its seed does. */
export async function append(
  client: S3Client,
  bucket: string,
  key: string,
  end: Version,
  version: Version,
): Promise<Written> {
  const WriteOffsetBytes = end.lengthBytes
  const Body = contentBytes(version.seed, version.lengthBytes).subarray(WriteOffsetBytes)
  await client.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body, WriteOffsetBytes }))
  return {}
}

const metadataOf = ({ seed }: Version): Record<string, string> => ({ seed })

export async function put(client: S3Client, bucket: string, key: string, version: Version): Promise<Written> {
  const body = contentBytes(version.seed, version.lengthBytes)
  return client.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: body, Metadata: metadataOf(version) }))
}

async function copy(
  client: S3Client,
  bucket: string,
  key: string,
  from: { bucket: string; key: string },
): Promise<Written> {
  return client.send(new CopyObjectCommand({ Bucket: bucket, Key: key, CopySource: `${from.bucket}/${from.key}` }))
}

export async function putInParts(
  client: S3Client,
  bucket: string,
  key: string,
  version: Version,
  finish: boolean,
  write: (send: () => Promise<Written>) => Promise<void>,
): Promise<void> {
  const target = { Bucket: bucket, Key: key }
  const { UploadId } = await client.send(new CreateMultipartUploadCommand({ ...target, Metadata: metadataOf(version) }))
  const bytes = contentBytes(version.seed, version.lengthBytes)
  const parts: { PartNumber: number; ETag: string | undefined }[] = []
  for (let start = 0; start < bytes.length; start += PART_BYTES) {
    const PartNumber = parts.length + 1
    const Body = bytes.subarray(start, start + PART_BYTES)
    const { ETag } = await client.send(new UploadPartCommand({ ...target, UploadId, PartNumber, Body }))
    parts.push({ PartNumber, ETag })
  }
  if (finish) {
    await write(() =>
      client.send(new CompleteMultipartUploadCommand({ ...target, UploadId, MultipartUpload: { Parts: parts } })),
    )
  } else {
    await client.send(new AbortMultipartUploadCommand({ ...target, UploadId }))
  }
}

async function read(client: S3Client, bucket: string, key: string, version: Version): Promise<void> {
  const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key }))
  const { hash } = await hashOf((await Body?.transformToByteArray()) ?? new Uint8Array())
  if (hash !== hashOfVersion(version)) throw new WrongAnswer(`${bucket}/${key} is not ${version.seed}`)
}

/** All keys of a worker, which writes nothing meanwhile, page by page, and its folders. */
async function list(
  { client, model }: LoadOptions,
  of: { readonly bucket: string; readonly prefix: string; readonly keys: readonly string[]; readonly pageSize: number },
): Promise<void> {
  const { bucket, prefix, keys, pageSize } = of
  const listed = new Set<string>()
  const input = { Bucket: bucket, Prefix: prefix, MaxKeys: pageSize }
  for (let token: string | undefined; ; ) {
    const page = await client.send(new ListObjectsV2Command({ ...input, ContinuationToken: token }))
    for (const { Key = '' } of page.Contents ?? []) listed.add(Key)
    token = page.NextContinuationToken
    if (token === undefined) break
  }
  const folders = await client.send(new ListObjectsV2Command({ ...input, MaxKeys: 1000, Delimiter: '/' }))
  for (const { Prefix = '' } of folders.CommonPrefixes ?? []) listed.add(Prefix)
  for (const key of keys) {
    const states = model.at(bucket, key)
    const shown = [key, `${key.slice(0, key.lastIndexOf('/'))}/`].filter((name) => listed.has(name)).length
    if (!states.includes(undefined) && shown < 2) throw new WrongAnswer(`${bucket}/${key} was left out of a list`)
    if (listed.has(key) && states.every((state) => state === undefined))
      throw new WrongAnswer(`${bucket}/${key} is listed, and there is none`)
  }
}
