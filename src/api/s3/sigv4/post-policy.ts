import { createHmac, timingSafeEqual } from 'node:crypto'
import type { Clock } from '../../../base/clock.ts'
import { decodeBase64 } from '../../../base/decode.ts'
import { S3Error } from '../error-codes.ts'
import { parseAmzDate } from './amz-date.ts'
import { parseCredentialScope, type Regions, type ScopeErrors } from './credential-scope.ts'
import type { FindCredential, SigningCredential } from './identity.ts'
import { type ContentLengthRange, checkConditions, type PolicyCondition } from './policy-conditions.ts'
import { parsePolicy } from './policy-document.ts'
import { ALGORITHM } from './presented.ts'
import { sameSignature } from './same-signature.ts'
import { checkSessionToken } from './session-token.ts'
import { hmacHex, nobodysSigningKey, rememberSigningKey, signingKey } from './signing-key.ts'

export interface VerifyPostPolicyOptions<C extends SigningCredential> {
  /** From the URL. A form field of that name never decides. */
  readonly bucket: string
  /** Of the file part: replaces `${filename}` in the key. */
  readonly filename: string
  readonly findCredential: FindCredential<C>
  readonly clock: Clock
  readonly regions: Regions
}

export interface VerifiedPostPolicy<C extends SigningCredential> {
  readonly credential: C
  readonly accessKeyId: string
  /** With `${filename}` replaced. */
  readonly key: string
  readonly conditions: readonly PolicyCondition[]
  /** To be enforced while the file streams: `enforceLengthRange`. */
  readonly contentLengthRange?: ContentLengthRange
}

const ERRORS: ScopeErrors = {
  code: 'AuthorizationQueryParametersError',
  prefix: 'Error parsing the X-Amz-Credential parameter; ',
}

/**
 * Verifies the fields of a browser's form upload (lower-case names) against its signed policy: signature, expiry, and
 * that every field is covered by a condition and meets all of them. Throws InvalidRequest, InvalidArgument,
 * InvalidAccessKeyId, SignatureDoesNotMatch, InvalidPolicyDocument or AccessDenied.
 */
export function verifyPostPolicy<C extends SigningCredential>(
  fields: ReadonlyMap<string, string>,
  options: VerifyPostPolicyOptions<C>,
): VerifiedPostPolicy<C> {
  const policyText = required(fields, 'policy')
  const signer = isVersion2(fields)
    ? verifyVersion2(fields, policyText, options)
    : verifyVersion4(fields, policyText, options)
  checkSessionToken(signer.credential, fields.get('x-amz-security-token'), options.clock.now())

  const policy = parsePolicy(policyText)
  if (policy.expiresAt <= options.clock.now()) {
    throw new S3Error('AccessDenied', 'Invalid according to Policy: Policy expired.')
  }
  const values = conditionValues(fields, options)
  const contentLengthRange = checkConditions(policy.conditions, values)
  return {
    ...signer,
    key: values.get('key') ?? '',
    conditions: policy.conditions,
    ...(contentLengthRange ? { contentLengthRange } : {}),
  }
}

type Signer<C extends SigningCredential> = Pick<VerifiedPostPolicy<C>, 'credential' | 'accessKeyId'>

function verifyVersion4<C extends SigningCredential>(
  fields: ReadonlyMap<string, string>,
  policyText: string,
  options: VerifyPostPolicyOptions<C>,
): Signer<C> {
  const signature = required(fields, 'x-amz-signature')
  if (required(fields, 'x-amz-algorithm') !== ALGORITHM) {
    throw new S3Error('InvalidArgument', `X-Amz-Algorithm only supports "${ALGORITHM}"`, {
      extra: { ArgumentName: 'x-amz-algorithm' },
    })
  }
  const amzDate = required(fields, 'x-amz-date')
  if (parseAmzDate(amzDate) === undefined) {
    throw new S3Error('InvalidArgument', "X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"", {
      extra: { ArgumentName: 'x-amz-date' },
    })
  }
  const scope = parseCredentialScope(required(fields, 'x-amz-credential'), amzDate, options.regions, ERRORS)
  const { accessKeyId } = scope
  const credential = options.findCredential(accessKeyId, fields.get('x-amz-security-token'))
  const signing = credential ? signingKey(credential.secretAccessKey, scope) : nobodysSigningKey(scope)
  const matches = sameSignature(signature, hmacHex(signing, policyText))
  const signer = verified(credential, accessKeyId, matches, { policyText, signature })
  rememberSigningKey(signer.credential.secretAccessKey, scope, signing)
  return signer
}

export const isVersion2 = (fields: ReadonlyMap<string, string>): boolean =>
  fields.has('awsaccesskeyid') && !fields.has('x-amz-algorithm')

/**
 * The older form, `signature` = base64(HMAC-SHA1(secret, policy)), which pages in the field still send. The policy names
 * all that is signed, so unlike a request of Signature Version 2 nothing is left open.
 */
function verifyVersion2<C extends SigningCredential>(
  fields: ReadonlyMap<string, string>,
  policyText: string,
  { findCredential }: VerifyPostPolicyOptions<C>,
): Signer<C> {
  const accessKeyId = required(fields, 'awsaccesskeyid')
  const signature = required(fields, 'signature')
  const credential = findCredential(accessKeyId, fields.get('x-amz-security-token'))
  const expected = createHmac('sha1', credential?.secretAccessKey ?? 'nobody')
    .update(policyText)
    .digest()
  const presented = decodeBase64(signature)
  const comparable = presented?.length === expected.length ? presented : Buffer.alloc(expected.length)
  const matches = timingSafeEqual(comparable, expected) && comparable === presented
  return verified(credential, accessKeyId, matches, { policyText, signature })
}

/** Throws InvalidAccessKeyId or SignatureDoesNotMatch, after the comparison was made in either case. */
function verified<C extends SigningCredential>(
  credential: C | undefined,
  accessKeyId: string,
  matches: boolean,
  { policyText, signature }: { readonly policyText: string; readonly signature: string },
): Signer<C> {
  if (credential === undefined) {
    throw new S3Error('InvalidAccessKeyId', undefined, { extra: { AWSAccessKeyId: accessKeyId } })
  }
  if (!matches) {
    throw new S3Error('SignatureDoesNotMatch', undefined, {
      extra: { AWSAccessKeyId: accessKeyId, StringToSign: policyText, SignatureProvided: signature },
    })
  }
  return { credential, accessKeyId }
}

function required(fields: ReadonlyMap<string, string>, name: string): string {
  const value = fields.get(name)
  if (value) return value
  throw new S3Error(
    'InvalidArgument',
    `Bucket POST must contain a field named '${name}'.  If it is specified, please check the order of the fields.`,
    { extra: { ArgumentName: name, ArgumentValue: '' } },
  )
}

/** What conditions speak about: the fields as they will be used, and the bucket of the URL. */
function conditionValues<C extends SigningCredential>(
  fields: ReadonlyMap<string, string>,
  { bucket, filename }: VerifyPostPolicyOptions<C>,
): ReadonlyMap<string, string> {
  const named = fields.get('bucket')
  if (named !== undefined && named !== bucket) {
    throw new S3Error('AccessDenied', 'Invalid according to Policy: the bucket of the form is not the one of the URL.')
  }
  const values = new Map(fields)
  values.set('bucket', bucket)
  values.set('key', substituteFilename(required(fields, 'key'), filename))
  return values
}

/** S3: `${filename}` in a key stands for the name of the uploaded file. */
export const substituteFilename = (key: string, filename: string): string =>
  key.replace(/\$\{filename\}/g, () => filename)
