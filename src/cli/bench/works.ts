import type { S3 } from '@aws-sdk/client-s3'
import { keyPath } from '../key-face.ts'
import { inInstance, KEY_TYPE, type RootKey } from '../key-protect.ts'
import { contentOf } from '../s3/download.ts'
import { signalled } from '../s3/listing.ts'
import { inParallel } from '../s3/workers.ts'
import type { Server } from '../server.ts'
import type { Work } from './load.ts'

export const KINDS = ['put', 'get', 'list', 'wrap', 'mixed'] as const
export type Kind = (typeof KINDS)[number]

export interface Ground {
  readonly s3: S3
  readonly bucket: string
  readonly body: Buffer
  readonly signal: AbortSignal
}

const AT_ONCE_BYTES = 65_536

/** Nothing on the way makes it smaller. */
export function randomContent(size: number): Buffer {
  const content = Buffer.alloc(size)
  for (let at = 0; at < size; at += AT_ONCE_BYTES) crypto.getRandomValues(content.subarray(at, at + AT_ONCE_BYTES))
  return content
}

/** Objects that puts go to in turn: what is kept stays small. */
const PUT_NAMES = 64
/** Objects that are there before anything is read. */
const READ_NAMES = 64
const LISTED_NAMES = 1000
/** Of ten: reads, writes, and a listing. */
const MIX = ['get', 'get', 'put', 'get', 'get', 'list', 'get', 'put', 'get', 'get'] as const

/** What there has to be before: not measured. */
export async function prepare({ s3, bucket, body, signal }: Ground, kind: Exclude<Kind, 'wrap'>): Promise<void> {
  if (kind === 'put') return
  const [count, content] = kind === 'list' ? [LISTED_NAMES, body.subarray(0, 1)] : [READ_NAMES, body]
  await inParallel(
    Array.from({ length: count }, (_, index) => index),
    16,
    async (index) => {
      await s3.putObject({ Bucket: bucket, Key: `read/${index}`, Body: content }, signalled(signal))
    },
  )
}

/** One thing after the other. */
export function works({ s3, bucket, body, signal }: Ground, kind: Exclude<Kind, 'wrap'>): () => Work {
  let turn = 0
  const of: Readonly<Record<'put' | 'get' | 'list', (at: number) => Promise<number>>> = {
    put: async (at) => {
      await s3.putObject({ Bucket: bucket, Key: `put/${at % PUT_NAMES}`, Body: body }, signalled(signal))
      return body.length
    },
    get: async (at) => {
      let bytes = 0
      const wanted = { Bucket: bucket, Key: `read/${at % READ_NAMES}` }
      for await (const chunk of contentOf(s3, wanted, signal)) bytes += chunk.length
      return bytes
    },
    list: async () => {
      await s3.listObjectsV2({ Bucket: bucket, Prefix: 'read/' }, signalled(signal))
      return 0
    },
  }
  return () => {
    const at = turn++
    const operation = kind === 'mixed' ? (MIX[at % MIX.length] ?? 'get') : kind
    return { operation, run: () => of[operation](at) }
  }
}

/** Wraps a new data key each time; nothing is stored. */
export const wraps =
  (server: Server, key: RootKey): (() => Work) =>
  () => ({
    operation: 'wrap',
    run: async () => {
      const call = inInstance(key.instance, { json: {}, headers: { 'content-type': KEY_TYPE } })
      await server.control('POST', `${keyPath(key)}/actions/wrap`, call)
      return 0
    },
  })
