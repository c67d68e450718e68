import type { KeyObject } from 'node:crypto'
import type { Clock } from '../../../base/clock.ts'
import { memoised } from '../../../base/memo.ts'
import { S3Error } from '../error-codes.ts'
import type { S3Request } from '../request.ts'
import type { ChunkSigning } from './aws-chunked.ts'
import { openSignedBody } from './body.ts'
import { canonicalRequest } from './canonical.ts'
import type { Regions } from './credential-scope.ts'
import { readHeaderSignature, type SignedForm } from './header-auth.ts'
import type { FindCredential, SigningCredential, SigV4Identity } from './identity.ts'
import { authMechanism } from './mechanism.ts'
import { payloadMode } from './payload.ts'
import { ALGORITHM, type PresentedSignature } from './presented.ts'
import { readQuerySignature } from './presigned.ts'
import { sameSignature } from './same-signature.ts'
import { checkSessionToken } from './session-token.ts'
import { hmacHex, nobodysSigningKey, rememberSigningKey, sha256Hex, signingKey } from './signing-key.ts'

export interface AuthenticateOptions<C extends SigningCredential> {
  readonly findCredential: FindCredential<C>
  readonly clock: Clock
  readonly regions: Regions
  /** Absent: a request to S3. */
  readonly form?: SignedForm
}

/**
 * Verifies the Signature Version 4 of a request, in its header or its query. The body is not touched: the identity
 * opens it in the mode that was signed. Throws S3Error for everything that does not verify.
 */
export function authenticate<C extends SigningCredential>(
  request: S3Request,
  options: AuthenticateOptions<C>,
): SigV4Identity<C> {
  const presented = readSignature(request, options)
  const mode = payloadMode(presented.contentSha256)
  checkSignedHeaders(request, presented.signedHeaders)

  const { scope } = presented
  const credential = options.findCredential(scope.accessKeyId, presented.sessionToken)
  const key = credential ? signingKey(credential.secretAccessKey, scope) : nobodysSigningKey(scope)
  const canonical = canonicalRequest(request, {
    signedHeaders: presented.signedHeaders,
    payloadHash: presented.contentSha256,
    ...(presented.mode === 'query' ? { exceptQuery: 'X-Amz-Signature' } : {}),
  })
  const stringToSign = `${ALGORITHM}\n${presented.amzDate}\n${scope.scope}\n${sha256Hex(Buffer.from(canonical, 'latin1'))}`
  const matches = sameSignature(presented.signature, hmacHex(key, stringToSign))

  if (credential === undefined) {
    throw new S3Error('InvalidAccessKeyId', undefined, { extra: { AWSAccessKeyId: scope.accessKeyId } })
  }
  if (!matches) throw signatureMismatch(presented, stringToSign, canonical)
  checkSessionToken(credential, presented.sessionToken, options.clock.now())
  rememberSigningKey(credential.secretAccessKey, scope, key)
  return {
    credential,
    accessKeyId: scope.accessKeyId,
    region: scope.region,
    mode: presented.mode,
    openBody: (raw) => openSignedBody(request, raw, mode, chunkSigning(presented, key)),
  }
}

function readSignature<C extends SigningCredential>(
  request: S3Request,
  { clock, regions, form }: AuthenticateOptions<C>,
): PresentedSignature {
  const mechanism = authMechanism(request)
  checkSingleHeaders(request)
  switch (mechanism) {
    case 'header':
      return readHeaderSignature(request, clock, regions, form)
    case 'query':
      return readQuerySignature(request, clock, regions)
    default:
      throw new S3Error('AccessDenied')
  }
}

const SINGLE_HEADERS = [
  'host',
  'authorization',
  'x-amz-date',
  'date',
  'x-amz-content-sha256',
  'x-amz-security-token',
  'content-length',
]

function checkSingleHeaders({ duplicateHeaders }: S3Request): void {
  if (duplicateHeaders.size === 0) return
  const repeated = SINGLE_HEADERS.find((name) => duplicateHeaders.has(name))
  if (repeated !== undefined) throw new S3Error('InvalidRequest', `The header ${repeated} must be given once.`)
}

const OURS = ['x-amz-', 'ibm-', 'x-coffer-'] as const

/** Whoever holds a signature may use it only as signed: every header that S3 acts upon must be covered. */
function checkSignedHeaders({ headers }: S3Request, signedHeaders: string): void {
  const signed = namesOf(signedHeaders)
  if (signed === 'malformed') {
    throw new S3Error('SignatureDoesNotMatch', 'SignedHeaders must name each header once, in lower case.')
  }
  const unsigned: string[] = signed.has('host') ? [] : ['host']
  for (const name of headers.keys()) {
    if (!signed.has(name) && OURS.some((prefix) => name.startsWith(prefix))) unsigned.push(name)
  }
  if (unsigned.length === 0) return
  throw new S3Error('AccessDenied', 'There were headers present in the request which were not signed', {
    extra: { HeadersNotSigned: unsigned.join(', ') },
  })
}

/** A client signs the same headers again and again. */
const namesOf = memoised((signedHeaders): ReadonlySet<string> | 'malformed' => {
  const names = signedHeaders.split(';')
  const signed = new Set(names)
  return signed.size !== names.length || signedHeaders !== signedHeaders.toLowerCase() ? 'malformed' : signed
}, 256)

function signatureMismatch(presented: PresentedSignature, stringToSign: string, canonical: string): S3Error {
  return new S3Error('SignatureDoesNotMatch', undefined, {
    extra: {
      AWSAccessKeyId: presented.scope.accessKeyId,
      StringToSign: stringToSign,
      SignatureProvided: presented.signature,
      CanonicalRequest: Buffer.from(canonical, 'latin1').toString('utf8'),
    },
  })
}

const chunkSigning = ({ signature, amzDate, scope }: PresentedSignature, key: KeyObject): ChunkSigning => ({
  key,
  seedSignature: signature,
  amzDate,
  scope: scope.scope,
})
