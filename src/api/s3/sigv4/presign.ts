import type { Presigning } from '../../common/presigning.ts'
import { unsentRequest } from '../unsent-request.ts'
import { encodeComponent } from '../uri.ts'
import { formatAmzDate } from './amz-date.ts'
import { canonicalRequest } from './canonical.ts'
import { ALGORITHM } from './presented.ts'
import { hmacHex, sha256Hex, signingKey } from './signing-key.ts'

/** A URL that gets an object with the rights that the credential has when it is used. */
export function presignedUrl(options: Presigning): string {
  const { credential, endpoint, region, bucket, key, query, expiresSeconds, nowMs } = options
  const { origin, host, pathname } = new URL(endpoint)
  const amzDate = formatAmzDate(nowMs)
  const date = amzDate.slice(0, 8)
  const scope = `${date}/${region}/s3/aws4_request`
  const named: Readonly<Record<string, string>> = {
    'X-Amz-Algorithm': ALGORITHM,
    'X-Amz-Credential': `${credential.accessKeyId}/${scope}`,
    'X-Amz-Date': amzDate,
    'X-Amz-Expires': String(expiresSeconds),
    'X-Amz-SignedHeaders': 'host',
    ...query,
  }
  const rawPath = `${pathname.replace(/\/$/, '')}/${bucket}/${encodeComponent(key, true)}`
  const rawQuery = Object.entries(named)
    .map(([name, value]) => `${encodeComponent(name)}=${encodeComponent(value)}`)
    .join('&')
  const request = { ...unsentRequest({ headers: new Map([['host', host]]) }), method: 'GET', rawPath, rawQuery }
  const canonical = canonicalRequest(request, { signedHeaders: 'host', payloadHash: 'UNSIGNED-PAYLOAD' })
  const signed = `${ALGORITHM}\n${amzDate}\n${scope}\n${sha256Hex(Buffer.from(canonical, 'latin1'))}`
  const { accessKeyId, secretAccessKey } = credential
  const signature = hmacHex(signingKey(secretAccessKey, { accessKeyId, date, region, service: 's3', scope }), signed)
  return `${origin}${rawPath}?${rawQuery}&X-Amz-Signature=${signature}`
}
