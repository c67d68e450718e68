import type { ChecksumAlgorithm } from '../../../base/checksums.ts'
import { checkCopyConditions } from '../../../objects/conditions.ts'
import type { Attributes } from '../../../objects/content.ts'
import type { ObjectProperties, Tag } from '../../../objects/object-properties.ts'
import type { OpenObject } from '../../../objects/open-object.ts'
import { newObjectAccess } from '../access/new-object.ts'
import { checksumAlgorithm } from '../checksum-headers.ts'
import { conditionNeeds, readConditions, writeConditions } from '../condition-headers.ts'
import { copySource, copySourceUse, openSource, readingSource } from '../copy-source.ts'
import { sourceKeyOf } from '../customer-key.ts'
import { contextHeader, namesEncryption, requestedEncryption } from '../encryption-headers.ts'
import { S3Error } from '../error-codes.ts'
import { expirationOfStored } from '../lifecycle/headers.ts'
import { lockNeeds } from '../lock/headers.ts'
import { encryptionHeaders, uploadAttributes } from '../object-headers.ts'
import { defineOperation, type OperationContext } from '../operation.ts'
import { refuseUnsupported } from '../refused-headers.ts'
import type { S3Request } from '../request.ts'
import { checkStorageClass } from '../storage-class.ts'
import { located, type ObjectTarget, objectTarget, quoted } from '../target.ts'
import { uploadNeeds, uploadProperties } from '../upload-properties.ts'
import { copiedVersionHeader, writtenVersionHeader } from '../version-headers.ts'
import { wantedEncryption } from '../wanted-encryption.ts'
import { xmlReply } from '../xml-reply.ts'

const MAX_SOURCE_BYTES = 5 * 1024 ** 3
const REDIRECT = 'x-amz-website-redirect-location'
const RETENTION = 'retention-directive'

/** An authenticated read and a fresh envelope: a copy never shares a key with its source. */
export const copyObject = defineOperation({
  name: 'CopyObject',
  method: 'PUT',
  on: 'object',
  headers: ['x-amz-copy-source'],
  action: 's3:PutObject',
  makes: 'object',
  alsoNeeds: (request) =>
    directive(request, 'tagging') === 'REPLACE'
      ? uploadNeeds(request)
      : [...conditionNeeds(request), ...lockNeeds(request)],
  alsoUses: copySourceUse,
  parse: (request) => {
    refuseUnsupported(request)
    return {
      source: copySource(request),
      target: objectTarget(request),
      replace: directive(request, 'metadata') === 'REPLACE',
      attributes: uploadAttributes(request),
      properties: uploadProperties(request),
      replaceTags: directive(request, 'tagging') === 'REPLACE',
      copyRetention: request.headers.has(RETENTION) && directive(request, 'retention') === 'COPY',
      algorithm: wantedAlgorithm(request),
      encryption: requestedEncryption(request),
      sourceKey: sourceKeyOf(request),
      sourceConditions: readConditions(request, 'x-amz-copy-source-'),
      conditions: writeConditions(request),
    }
  },
  run: async (input, context) => {
    const { objects, request } = context
    const target = located(input.target, context)
    const encrypting = await wantedEncryption(input.encryption, target.bucket, context)
    checkStorageClass(input.properties, context.settings)
    const { source, replace, encryption } = input
    // S3: a version that is named may be copied to its own key, to become the current one.
    const toItself =
      source.bucket === input.target.bucket && source.key === input.target.key && source.versionId === undefined
    if (toItself && !replace && !changesMore(request)) {
      throw new S3Error(
        'InvalidRequest',
        "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.",
      )
    }
    const from = located(source, context)
    using object = await openSource({ ...from, customerKey: input.sourceKey?.key }, context)
    const { manifest, modifiedAtMs } = object
    checkCopyConditions(input.sourceConditions, { etag: manifest.etag, modifiedAtMs })
    if (manifest.sizeBytes > MAX_SOURCE_BYTES) {
      throw new S3Error(
        'InvalidRequest',
        `The specified copy source is larger than the maximum allowable size for a copy source: ${MAX_SOURCE_BYTES}`,
      )
    }
    const properties = {
      ...input.properties,
      ...(input.replaceTags ? {} : { tags: await copiedTags(input, object, context) }),
      ...(input.copyRetention ? await copiedRetention(input, object, context) : {}),
      // S3: of the ACL of the source nothing is copied.
      ...(await newObjectAccess(context, target, request)),
    }
    const algorithm = input.algorithm ?? manifest.checksum?.algorithm
    const stored = await objects.put({
      ...target,
      body: {
        stream: object.read({ start: 0, end: manifest.sizeBytes }),
        lengthBytes: manifest.sizeBytes,
        ...(algorithm ? { checksum: { algorithm, expected: () => undefined } } : {}),
      },
      attributes: replace ? input.attributes : kept(object, input.attributes),
      properties,
      conditions: input.conditions,
      encrypting,
    })
    return xmlReply(
      'CopyObjectResult',
      {
        LastModified: new Date(stored.modifiedAtMs).toISOString(),
        ETag: quoted(stored.etag),
        ...(stored.checksum
          ? {
              [`Checksum${stored.checksum.algorithm.toUpperCase()}`]: stored.checksum.value,
              ChecksumType: stored.checksum.type,
            }
          : {}),
      },
      {
        ...encryptionHeaders(stored.protection, encryption.customerKey),
        ...contextHeader(encryption.context),
        ...(await expirationOfStored(objects, target)),
        ...writtenVersionHeader(stored.versionId),
        ...copiedVersionHeader(from.bucket, object.versionId),
      },
    )
  },
})

type Places = Readonly<Record<'source' | 'target', ObjectTarget>>

/** S3: whoever copies tags must be allowed to read them there and to write them here. */
async function copiedTags(
  { source, target }: Places,
  object: OpenObject,
  { may, request }: OperationContext,
): Promise<readonly Tag[]> {
  const tags = await object.tags()
  if (tags.length === 0) return tags
  const allowed =
    (await may({
      ...{ ...source, ...readingSource(request) },
      action: source.versionId === undefined ? 's3:GetObjectTagging' : 's3:GetObjectVersionTagging',
    })) && (await may({ ...target, action: 's3:PutObjectTagging' }))
  if (!allowed) throw new S3Error('AccessDenied')
  return tags
}

/** S3: naming any of these, be it as it is already, makes a copy to itself legal. */
const changesMore = (request: S3Request): boolean =>
  namesEncryption(request) || ['x-amz-storage-class', REDIRECT].some((name) => request.headers.has(name))

/** S3: the website redirect is not copied with the metadata, but may be given anew. */
function kept({ manifest }: OpenObject, given: Attributes): Attributes {
  const { [REDIRECT]: _, ...headers } = manifest.headers
  const redirect = given.headers[REDIRECT]
  return {
    headers: redirect === undefined ? headers : { ...headers, [REDIRECT]: redirect },
    userMetadata: manifest.userMetadata,
  }
}

/** IBM: the period, from the copy on. It takes the rights to read it there and to give it here. */
async function copiedRetention(
  { source, target }: Places,
  { properties: { lock } }: OpenObject,
  { require, request }: OperationContext,
): Promise<ObjectProperties> {
  if (lock?.periodSeconds === undefined) return {}
  await require({ ...source, ...readingSource(request), action: 's3:GetObjectRetention' })
  await require({ ...target, action: 's3:PutObjectRetention' })
  return { lock: { periodSeconds: lock.periodSeconds } }
}

function directive({ headers }: S3Request, of: 'metadata' | 'tagging' | 'retention'): 'COPY' | 'REPLACE' {
  const name = of === 'retention' ? RETENTION : `x-amz-${of}-directive`
  const value = headers.get(name) ?? 'COPY'
  if (value !== 'COPY' && value !== 'REPLACE') {
    throw new S3Error('InvalidArgument', `Unknown ${of} directive.`, {
      extra: { ArgumentName: name, ArgumentValue: value },
    })
  }
  return value
}

function wantedAlgorithm({ headers }: S3Request): ChecksumAlgorithm | undefined {
  const value = headers.get('x-amz-checksum-algorithm')
  if (value === undefined) return undefined
  const algorithm = checksumAlgorithm(value.toLowerCase())
  if (!algorithm) {
    throw new S3Error(
      'InvalidRequest',
      'Checksum algorithm provided is unsupported. Please try again with any of the valid types: [CRC32, CRC32C, CRC64NVME, SHA1, SHA256]',
    )
  }
  return algorithm
}
