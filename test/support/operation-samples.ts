import type { S3Operation } from '../../src/api/s3/operation.ts'
import type { RawS3Request } from './raw-s3.ts'

const VALUES: Readonly<Record<string, string>> = { 'list-type': '2', partNumber: '1', uploadId: '0'.repeat(44) }

export interface SampleTarget {
  readonly bucket: string
  readonly key: string
  /** `bucket/key` of a copy. */
  readonly source: string
}

/** A request that the router gives to this operation: from the table, so that a new operation is covered by itself. */
export function sampleRequest(operation: S3Operation, { bucket, key, source }: SampleTarget): RawS3Request {
  const { method, on } = operation
  const path = on === 'service' ? '/' : on === 'bucket' ? `/${bucket}` : `/${bucket}/${key}`
  const query = Object.fromEntries(Object.keys(operation.query ?? {}).map((name) => [name, VALUES[name] ?? '']))
  const headers = Object.fromEntries((operation.headers ?? []).map((name) => [name, source]))
  return { method, path, query, headers, ...(method === 'PUT' || method === 'POST' ? { body: '' } : {}) }
}
