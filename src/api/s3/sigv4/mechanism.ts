import { S3Error } from '../error-codes.ts'
import type { S3Request } from '../request.ts'
import { ALGORITHM } from './presented.ts'

/** How a request says who it is. A form upload carries its signature in the form and is 'anonymous' here. */
export type AuthMechanism = 'header' | 'query' | 'bearer' | 'anonymous'

const SIGNATURE_V2 = 'The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.'
const QUERY_V4 = ['X-Amz-Algorithm', 'X-Amz-Signature', 'X-Amz-Credential']
const QUERY_V2 = ['Signature', 'AWSAccessKeyId']

/** Throws InvalidRequest for Signature Version 2, InvalidArgument for two mechanisms at once or an unknown one. */
export function authMechanism(request: S3Request): AuthMechanism {
  const authorization = request.headers.get('authorization')
  const inQuery = hasAny(request, QUERY_V4)
  const inQueryV2 = hasAny(request, QUERY_V2)
  if (authorization !== undefined && (inQuery || inQueryV2)) {
    throw new S3Error(
      'InvalidArgument',
      'Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string parameter ' +
        'or the Authorization header should be specified',
      { extra: { ArgumentName: 'Authorization' } },
    )
  }
  if (inQuery) return 'query'
  if (inQueryV2) throw new S3Error('InvalidRequest', SIGNATURE_V2)
  return authorization === undefined ? 'anonymous' : headerMechanism(authorization)
}

const hasAny = ({ query }: S3Request, names: readonly string[]): boolean => names.some((name) => query.has(name))

function headerMechanism(authorization: string): AuthMechanism {
  if (authorization.startsWith(`${ALGORITHM} `) || authorization === ALGORITHM) return 'header'
  const [scheme = ''] = authorization.split(' ', 1)
  if (scheme.toLowerCase() === 'bearer') return 'bearer'
  if (scheme === 'AWS') throw new S3Error('InvalidRequest', SIGNATURE_V2)
  if (scheme === 'AWS4-ECDSA-P256-SHA256') {
    throw new S3Error('NotImplemented', 'Signatures with AWS4-ECDSA-P256-SHA256 are not implemented.')
  }
  throw new S3Error('InvalidArgument', 'Unsupported Authorization Type', { extra: { ArgumentName: 'Authorization' } })
}

/** The token of `Authorization: Bearer …`. Throws AccessDenied when there is none. */
export function bearerToken(request: S3Request): string {
  if (request.duplicateHeaders.has('authorization'))
    throw new S3Error('InvalidRequest', 'The header authorization must be given once.')
  const token = request.headers.get('authorization')?.slice('Bearer '.length).trim()
  if (!token) throw new S3Error('AccessDenied')
  return token
}
