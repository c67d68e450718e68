import type { Clock } from '../../base/clock.ts'
import { hasCode } from '../../base/errors.ts'
import type { Credential } from '../../iam/credentials.ts'
import type { Iam } from '../../iam/iam.ts'
import type { Principal, UserPrincipal } from '../../iam/principal.ts'
import { ANONYMOUS_OWNER, ANONYMOUS_PRINCIPAL } from './anonymous.ts'
import { S3Error } from './error-codes.ts'
import type { Caller } from './operation.ts'
import { type PostForm, readPostForm } from './post-form.ts'
import type { S3Request } from './request.ts'
import { authenticate as verifySignature } from './sigv4/authenticate.ts'
import { plainBody } from './sigv4/body.ts'
import { authMechanism, bearerToken } from './sigv4/mechanism.ts'
import { enforceLengthRange } from './sigv4/policy-conditions.ts'
import { substituteFilename, verifyPostPolicy } from './sigv4/post-policy.ts'
import { sha256Hex } from './sigv4/signing-key.ts'

export interface AuthenticationOptions {
  readonly iam: Pick<Iam, 'findCredential' | 'verifyToken' | 'instance' | 'instances' | 'owner'> & HeldTokens
  readonly clock: Clock
}

/** For callers in this process. */
export interface HeldTokens {
  /** Whose token this is, when whoever signed in somewhere in this process acts by it; undefined for any other. */
  readonly heldPrincipal?: (token: string) => Promise<Principal> | undefined
}

const INSTANCE_HEADER = 'ibm-service-instance-id'

/** IBM's clients sign for whatever region they are set to, so the scope's region is taken as given. */
const REGIONS = 'any'

/** Who sends the request, in one place for every way of saying so. What says nothing is anonymous. */
export async function authenticate(
  request: S3Request,
  raw: AsyncIterable<Buffer>,
  { iam, clock }: AuthenticationOptions,
): Promise<Caller> {
  const { findCredential } = iam
  const mechanism = authMechanism(request)
  switch (mechanism) {
    case 'header':
    case 'query': {
      const identity = verifySignature(request, { findCredential, clock, regions: REGIONS })
      return { ...signer(identity.credential, request, iam), body: identity.openBody(raw) }
    }
    case 'bearer': {
      const principal = await verifyToken(bearerToken(request), iam)
      return { ...tokenHolder(principal, request, iam), body: plainBody(request, raw) }
    }
    case 'anonymous':
      if (isForm(request)) return formSigner(request, raw, { iam, clock })
      return { ...nobody, body: plainBody(request, raw) }
    default:
      throw new S3Error('AccessDenied', mechanism satisfies never)
  }
}

/** Who signed a call of the query APIs, whose body was read, or made it in this process. */
export async function authenticateCall(
  request: S3Request,
  body: Buffer,
  { iam, clock }: AuthenticationOptions,
): Promise<Credential> {
  const isHeld = iam.heldPrincipal !== undefined && authMechanism(request) === 'bearer'
  const held = isHeld ? await iam.heldPrincipal?.(bearerToken(request)) : undefined
  if (held && held.type !== 'service') return keyless(held, request, iam)
  const bodySha256 = sha256Hex(body)
  const claimed = request.headers.get('x-amz-content-sha256')
  if (claimed !== undefined && claimed.toLowerCase() !== bodySha256) throw new S3Error('XAmzContentSHA256Mismatch')
  const { findCredential } = iam
  const form = { services: ['iam', 'sts'], bodySha256 } as const
  return verifySignature(request, { findCredential, clock, regions: REGIONS, form }).credential
}

export const isForm = ({ method, key, headers }: S3Request): boolean =>
  method === 'POST' && key === undefined && /^multipart\/form-data\b/i.test(headers.get('content-type') ?? '')

/** Who reads a website: whatever the request says of itself does not count, and it has no body. */
export const anonymousCaller = (): Caller => ({
  ...nobody,
  body: { lengthBytes: 0, stream: nothing(), trailers: new Map(), announcedTrailers: [] },
})

async function* nothing(): AsyncGenerator<Buffer> {}

async function verifyToken(token: string, iam: AuthenticationOptions['iam']): Promise<Principal> {
  try {
    return await iam.verifyToken(token)
  } catch (cause) {
    if (!hasCode(cause, 'InvalidToken', 'ExpiredToken')) throw cause
    // S3 has 400 for both codes; IBM's clients know a refused token by 403.
    throw new S3Error('AccessDenied', 'The IAM token is not valid or has expired.', { cause })
  }
}

/** An access key of nobody's: with it goes what an identity may do, and no temporary credentials, which end with a key. */
function keyless(principal: UserPrincipal, request: S3Request, iam: AuthenticationOptions['iam']): Credential {
  const { owner, serviceInstanceCrn } = tokenHolder(principal, request, iam)
  const ids = { canonicalId: owner.id, displayName: owner.displayName, serviceInstanceCrn }
  return { accessKeyId: '', secretAccessKey: '', principal, ...ids }
}

type Who = Omit<Caller, 'body'>

const nobody: Who = { principal: ANONYMOUS_PRINCIPAL, serviceInstanceCrn: '', owner: ANONYMOUS_OWNER }

function signer(credential: Credential, request: S3Request, iam: AuthenticationOptions['iam']): Who {
  const { principal } = credential
  const named = request.headers.get(INSTANCE_HEADER)
  return {
    principal,
    serviceInstanceCrn: named ? ownInstance(named, principal, iam) : credential.serviceInstanceCrn,
    owner: { id: credential.canonicalId, displayName: credential.displayName },
  }
}

function tokenHolder(principal: Principal, request: S3Request, iam: AuthenticationOptions['iam']): Who {
  const named = request.headers.get(INSTANCE_HEADER)
  const owner = iam.owner(principal.accountId)
  const first = iam.instances({ service: 'cloud-object-storage', accountId: principal.accountId })[0]
  const serviceInstanceCrn = named ? ownInstance(named, principal, iam) : first?.crn
  if (!owner || !serviceInstanceCrn) throw new S3Error('AccessDenied')
  return { principal, serviceInstanceCrn, owner }
}

/** CRN or GUID of one of the caller's own object storage instances. */
function ownInstance(named: string, principal: Principal, iam: AuthenticationOptions['iam']): string {
  const instance = iam.instance(named)
  if (instance?.service !== 'cloud-object-storage' || instance.accountId !== principal.accountId) {
    throw new S3Error('AccessDenied')
  }
  return instance.crn
}

/** Without a policy nothing is signed, and nobody has sent it. */
function anonymousForm({ fields, file }: PostForm): Caller {
  const key = substituteFilename(fields.get('key') ?? '', file.filename)
  return {
    ...nobody,
    form: { key, fields, contentType: file.contentType },
    body: { lengthBytes: undefined, stream: file.stream, trailers: new Map(), announcedTrailers: [] },
  }
}

/** A browser's POST: the policy in the form is the signature. It is verified before a byte of the file is read. */
async function formSigner(
  request: S3Request,
  raw: AsyncIterable<Buffer>,
  { iam, clock }: AuthenticationOptions,
): Promise<Caller> {
  const form = await readPostForm(request, raw)
  if (!form.fields.has('policy')) return anonymousForm(form)
  const verified = verifyPostPolicy(form.fields, {
    bucket: request.bucket ?? '',
    filename: form.file.filename,
    findCredential: iam.findCredential,
    clock,
    regions: REGIONS,
  })
  const { contentLengthRange, credential, key } = verified
  const stream = contentLengthRange ? enforceLengthRange(form.file.stream, contentLengthRange) : form.file.stream
  return {
    ...signer(credential, request, iam),
    form: { key, fields: form.fields, contentType: form.file.contentType },
    body: { lengthBytes: undefined, stream, trailers: new Map(), announcedTrailers: [] },
  }
}
