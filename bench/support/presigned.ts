import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { GetObjectCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import { hashOf } from '../../test/support/content.ts'

/** Plain HTTP over presigned URLs: the least work on the client's side, so that the server is what is measured. */
export async function putStream(
  client: S3Client,
  bucket: string,
  key: string,
  body: Readable,
  lengthBytes: number,
): Promise<void> {
  const url = await getSignedUrl(client, new PutObjectCommand({ Bucket: bucket, Key: key }))
  const sent = request(url, { method: 'PUT', headers: { 'content-length': lengthBytes } })
  const answered = once(sent, 'response')
  await pipeline(body, sent)
  const [reply]: IncomingMessage[] = await answered
  await bodyOf(reply)
}

/** Reads the object to its end; resolves to its hash and length. */
export async function getHash(
  client: S3Client,
  bucket: string,
  key: string,
): Promise<{ hash: string; lengthBytes: number }> {
  const url = await getSignedUrl(client, new GetObjectCommand({ Bucket: bucket, Key: key }))
  const sent = request(url).end()
  const [reply]: IncomingMessage[] = await once(sent, 'response')
  if (reply?.statusCode !== 200) throw new Error(`${reply?.statusCode}`)
  return hashOf(reply)
}

async function bodyOf(reply: IncomingMessage | undefined): Promise<void> {
  if (reply === undefined) throw new Error('no answer')
  const text = (await reply.setEncoding('utf8').toArray()).join('')
  if (reply.statusCode !== 200) throw new Error(`${reply.statusCode}: ${text}`)
}
