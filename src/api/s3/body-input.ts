import type { BodyInput } from '../../objects/body-writer.ts'
import { type ChecksumRequest, trailingChecksum } from './checksum-headers.ts'
import type { RequestBody } from './request.ts'

/** A verified request body with the digests it must have, as the engine takes it. */
export function bodyInput(body: RequestBody, wanted: ChecksumRequest): BodyInput {
  const { contentMd5, algorithm, expected } = wanted
  return {
    stream: body.stream,
    lengthBytes: body.lengthBytes,
    ...(contentMd5 ? { contentMd5 } : {}),
    ...(algorithm
      ? {
          checksum: {
            algorithm,
            expected: () => (expected === 'trailer' ? trailingChecksum(algorithm, body) : expected),
          },
        }
      : {}),
  }
}
