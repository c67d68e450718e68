import type { ChecksumAlgorithm } from '../../base/checksums.ts'
import { isCombinable } from '../../base/crc-combine.ts'
import { checksumAlgorithm } from './checksum-headers.ts'
import { S3Error } from './error-codes.ts'
import type { S3Request } from './request.ts'

export interface MultipartChecksum {
  readonly algorithm: ChecksumAlgorithm
  readonly type: 'FULL_OBJECT' | 'COMPOSITE'
}

/**
 * x-amz-checksum-algorithm and x-amz-checksum-type of CreateMultipartUpload; undefined when the upload has no checksum.
 * S3: CRC64NVME is always of the full object, the SHAs never are, and the other CRCs are composite unless asked.
 */
export function readMultipartChecksum({ headers }: S3Request): MultipartChecksum | undefined {
  const name = headers.get('x-amz-checksum-algorithm')
  const type = readType(headers.get('x-amz-checksum-type'))
  if (name === undefined) {
    if (type === undefined) return undefined
    throw new S3Error(
      'InvalidRequest',
      'The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.',
    )
  }
  const algorithm = checksumAlgorithm(name.toLowerCase())
  if (algorithm === undefined) {
    throw new S3Error(
      'InvalidRequest',
      'Checksum algorithm provided is unsupported. Please try again with any of the valid types: [CRC32, CRC32C, CRC64NVME, SHA1, SHA256]',
    )
  }
  const chosen = type ?? (algorithm === 'crc64nvme' ? 'FULL_OBJECT' : 'COMPOSITE')
  const possible = chosen === 'FULL_OBJECT' ? isCombinable(algorithm) : algorithm !== 'crc64nvme'
  if (possible) return { algorithm, type: chosen }
  throw new S3Error(
    'InvalidRequest',
    `The ${chosen} checksum type cannot be used with the ${algorithm} checksum algorithm.`,
  )
}

function readType(text: string | undefined): MultipartChecksum['type'] | undefined {
  if (text === undefined) return undefined
  const type = text.toUpperCase()
  if (type === 'FULL_OBJECT' || type === 'COMPOSITE') return type
  throw new S3Error('InvalidRequest', 'Value for x-amz-checksum-type header is invalid.')
}
