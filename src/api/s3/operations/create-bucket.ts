import { type Crn, parseCrn } from '../../../base/crn.ts'
import { hasCode } from '../../../base/errors.ts'
import type { KeyProviderErrorCode } from '../../../envelope/key-provider.ts'
import type { BucketDocuments } from '../../../objects/bucket-document.ts'
import type { Bucket } from '../../../objects/buckets.ts'
import type { Versioning } from '../../../objects/records.ts'
import { isOfRegion } from '../../common/root-key-use.ts'
import { newBucketAccess, newBucketNeeds } from '../access/new-bucket.ts'
import { newBucketEncryption } from '../bucket-encryption.ts'
import { checkBucketName } from '../bucket-name.ts'
import { readXmlBody } from '../checksum-headers.ts'
import { S3Error } from '../error-codes.ts'
import { checkLocation } from '../location.ts'
import { newBucketLock } from '../lock/configuration.ts'
import { defineOperation, type OperationContext } from '../operation.ts'
import type { S3Request } from '../request.ts'
import { bucketTarget } from '../target.ts'
import { parseXml } from '../xml/decode.ts'

const MAX_BODY_BYTES = 64 * 1024
const ALGORITHM = 'ibm-sse-kp-encryption-algorithm'
const ROOT_KEY = 'ibm-sse-kp-customer-root-key-crn'

interface Input {
  readonly name: string
  readonly rootKeyCrn: string | undefined
}

export const createBucket = defineOperation({
  name: 'CreateBucket',
  method: 'PUT',
  on: 'bucket',
  action: 's3:CreateBucket',
  alsoNeeds: newBucketNeeds,
  asksItself: true,
  parse: (request): Input => {
    const name = bucketTarget(request)
    checkBucketName(name)
    refuseUnsupported(request)
    return { name, rootKeyCrn: rootKeyOf(request) }
  },
  run: async ({ name, rootKeyCrn }, context) => {
    const { request, settings } = context
    const body = await readXmlBody(request, context.body, { maxBytes: MAX_BODY_BYTES })
    const locationConstraint = locationOf(body)
    await context.require({ bucket: name, action: 's3:CreateBucket', location: locationConstraint || undefined })
    checkLocation(locationConstraint, settings.region)
    if (rootKeyCrn !== undefined) checkRootKey(rootKeyCrn, locationConstraint, context)
    const lock = newBucketLock(request)
    const access = newBucketAccess({
      ...{ request, owner: context.owner.id, accounts: context.accounts },
      defaults: settings.bucketDefaults,
    })
    const documents = {
      ...{ ...access, ...lock.documents },
      ...newBucketEncryption(settings.bucketDefaults, rootKeyCrn),
    }
    const wanted = { name, rootKeyCrn, locationConstraint, ...lock, documents }
    if (!isRepeated(context, wanted)) await create(context, wanted)
    return { status: 200, headers: { location: `/${name}`, 'content-length': 0 } }
  },
})

function refuseUnsupported({ headers }: S3Request): void {
  const namespace = headers.get('x-amz-bucket-namespace')
  if (namespace !== undefined && namespace !== 'global') {
    throw new S3Error('NotImplemented', undefined, { extra: { Header: 'x-amz-bucket-namespace' } })
  }
}

function rootKeyOf({ headers }: S3Request): string | undefined {
  const algorithm = headers.get(ALGORITHM)
  const rootKeyCrn = headers.get(ROOT_KEY)
  if (algorithm === undefined && rootKeyCrn === undefined) return undefined
  if (algorithm === undefined || rootKeyCrn === undefined) {
    throw new S3Error('InvalidRequest', `${ALGORITHM} and ${ROOT_KEY} must be given together.`)
  }
  if (algorithm !== 'AES256') {
    throw new S3Error(
      'InvalidArgument',
      'The encryption algorithm specified is not valid. Supported value: "AES256".',
      {
        extra: { ArgumentName: ALGORITHM, ArgumentValue: algorithm },
      },
    )
  }
  return rootKeyCrn
}

function locationOf(body: Buffer): string {
  if (body.length === 0) return ''
  const root = parseXml(body, 'CreateBucketConfiguration', MAX_BODY_BYTES)
  for (const name of ['Location', 'Bucket', 'Tags']) {
    if (root.child(name)) throw new S3Error('NotImplemented', `CreateBucketConfiguration/${name} is not implemented.`)
  }
  return root.text('LocationConstraint') ?? ''
}

/** IBM: neither a permission nor an existence is told; the caller can't tell a missing key from a missing authorization. */
const keyNotFound = (cause?: unknown): S3Error =>
  new S3Error('InvalidRequest', 'The Key CRN could not be found', { cause })

function checkRootKey(rootKeyCrn: string, locationConstraint: string, context: OperationContext): void {
  checkRootKeyCrn(rootKeyCrn)
  if (!isOfRegion(rootKeyCrn, locationConstraint, context.settings.region)) throw keyNotFound()
  if (!context.mayUseRootKey(rootKeyCrn, parseCrn(context.serviceInstanceCrn).account)) throw keyNotFound()
}

function checkRootKeyCrn(text: string): void {
  let crn: Crn
  try {
    crn = parseCrn(text)
  } catch (cause) {
    throw new S3Error('InvalidArgument', 'The root key CRN is not valid.', {
      extra: { ArgumentName: ROOT_KEY, ArgumentValue: text },
      cause,
    })
  }
  if (crn.service === 'hs-crypto')
    throw new S3Error('InvalidRequest', 'Server Side Encryption with hs-crypto is not enabled.')
  if (crn.service !== 'kms') throw keyNotFound()
  if (crn.resourceType !== 'key' || crn.resource === '') {
    throw new S3Error(
      'InvalidArgument',
      'The resource type is missing or the specified value is not valid. Supported value: "key".',
      { extra: { ArgumentName: ROOT_KEY, ArgumentValue: text } },
    )
  }
}

interface Wanted extends Input {
  readonly locationConstraint: string
  readonly documents: BucketDocuments
  readonly versioning?: Versioning
}

/**
 * S3, in us-east-1 only: creating one's own bucket again succeeds and changes nothing. With another root key, lock or ACL it would
 * seem to change it, so that stays a conflict. Throws BucketAlreadyExists for another ACL.
 */
function isRepeated(
  { objects, serviceInstanceCrn, settings }: OperationContext,
  { name, rootKeyCrn, documents }: Wanted,
): boolean {
  const existing = objects.buckets.find(name)
  if (existing?.serviceInstanceCrn !== serviceInstanceCrn) return false
  if (JSON.stringify(objects.document(existing, 'acl')) !== JSON.stringify(documents.acl)) {
    throw new S3Error('BucketAlreadyExists')
  }
  return (
    settings.region === 'us-east-1' &&
    existing.rootKeyCrn === (rootKeyCrn ?? settings.serviceRootKeyCrn) &&
    (objects.document(existing, 'objectLock') === undefined) === (documents.objectLock === undefined)
  )
}

async function create(
  { objects, serviceInstanceCrn, owner, settings }: OperationContext,
  { name, rootKeyCrn, locationConstraint, documents, versioning }: Wanted,
): Promise<Bucket> {
  const common = {
    ...{ name, serviceInstanceCrn, locationConstraint, documents },
    ...{ ownerId: owner.id, ownerName: owner.displayName },
    ...(versioning === undefined ? {} : { versioning }),
  }
  if (rootKeyCrn === undefined) {
    return objects.createBucket({ ...common, encryption: 'provider-managed', rootKeyCrn: settings.serviceRootKeyCrn })
  }
  try {
    return await objects.createBucket({ ...common, encryption: 'customer-managed', rootKeyCrn })
  } catch (error) {
    if (hasCode<KeyProviderErrorCode>(error, 'RootKeyNotFound', 'KeyAccessDenied')) throw keyNotFound(error)
    if (hasCode<KeyProviderErrorCode>(error, 'RootKeyDisabled')) {
      throw new S3Error('InvalidRequest', 'The root key is not active.', { cause: error })
    }
    throw error
  }
}
