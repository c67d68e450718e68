import { S3Error } from '../error-codes.ts'

/** What `x-amz-content-sha256` says about the body. */
export type PayloadMode =
  | { readonly kind: 'unsigned' }
  | { readonly kind: 'hashed'; readonly sha256: string }
  | { readonly kind: 'chunked'; readonly signed: boolean; readonly trailer: boolean }

const MODES: ReadonlyMap<string, PayloadMode> = new Map([
  ['UNSIGNED-PAYLOAD', { kind: 'unsigned' }],
  ['STREAMING-AWS4-HMAC-SHA256-PAYLOAD', { kind: 'chunked', signed: true, trailer: false }],
  ['STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER', { kind: 'chunked', signed: true, trailer: true }],
  ['STREAMING-UNSIGNED-PAYLOAD-TRAILER', { kind: 'chunked', signed: false, trailer: true }],
])

const SHA256_HEX = /^[0-9a-f]{64}$/i

/** Throws InvalidArgument for anything but the known modes, and NotImplemented for the ones signed with ECDSA. */
export function payloadMode(contentSha256: string): PayloadMode {
  const mode = MODES.get(contentSha256)
  if (mode !== undefined) return mode
  if (SHA256_HEX.test(contentSha256)) return { kind: 'hashed', sha256: contentSha256.toLowerCase() }
  if (contentSha256.startsWith('STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD')) {
    throw new S3Error('NotImplemented', 'Signatures with AWS4-ECDSA-P256-SHA256 are not implemented.')
  }
  throw new S3Error(
    'InvalidArgument',
    'x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER, ' +
      'STREAMING-AWS4-HMAC-SHA256-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER or a valid sha256 value.',
    { extra: { ArgumentName: 'x-amz-content-sha256', ArgumentValue: contentSha256 } },
  )
}
