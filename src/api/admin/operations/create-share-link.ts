import { z } from 'zod'
import { CodedError } from '../../../base/errors.ts'
import type { Credential } from '../../../iam/credentials.ts'
import { bucketCrn } from '../../../objects/deregistrations.ts'
import { json } from '../../common/reply.ts'
import { type AdminContext, defineOperation } from '../context.ts'
import type { AdminErrorCode } from '../errors.ts'

const WEEK_SECONDS = 604_800

const body = z.strictObject({
  bucket: z.string(),
  key: z.string().min(1),
  versionId: z.string().min(1).exactOptional(),
  expiresInSeconds: z.int().min(1).max(WEEK_SECONDS).default(3600),
  fileName: z
    .string()
    .min(1)
    .max(255)
    .exactOptional()
    .meta({ description: 'Browsers save it under this name, and do not show it.' }),
})

const reply = z.object({
  url: z.string().meta({ description: 'Gets the object, for whoever has it.' }),
  expiresAt: z.iso.datetime(),
  accessKeyId: z
    .string()
    .meta({ description: 'Of the caller; the link ends with this key, and with the right to read.' }),
})

export const createShareLink = defineOperation({
  name: 'CreateShareLink',
  summary:
    'A link that gets an object for a time, signed with an access key of the caller’s own. The secret stays here.',
  method: 'POST',
  path: '/admin/v1/share',
  body,
  reply,
  run: async ({ request, body: { bucket: name, key, versionId, expiresInSeconds, fileName } }, context) => {
    const { objects, about, clock, presign, s3Endpoint, requireS3 } = context
    const bucket = objects.buckets.get(name)
    Object.assign(about, { target: bucketCrn(bucket), object: key })
    const action = versionId === undefined ? 's3:GetObject' : 's3:GetObjectVersion'
    await requireS3({ action, bucket: name, key, versionId })
    const found = await objects.known({ bucket, key, versionId })
    if (!found) {
      // S3: that something is not there is told to those only who might list it.
      await requireS3({ action: 's3:ListBucket', bucket: name, prefix: key })
      throw new CodedError<AdminErrorCode>('NothingToShare', 'There is no such object.')
    }
    const { accessKeyId, secretAccessKey } = credentialOf(context)
    const nowMs = clock.now()
    const url = presign({
      ...{ credential: { accessKeyId, secretAccessKey }, bucket: name, key, nowMs, expiresSeconds: expiresInSeconds },
      ...endpointOf(s3Endpoint(request.header('host'))),
      query: {
        ...(versionId === undefined ? {} : { versionId }),
        ...(fileName === undefined ? {} : { 'response-content-disposition': disposition(fileName) }),
      },
    })
    const expiresAt = new Date(nowMs + expiresInSeconds * 1000).toISOString()
    return json(201, { url, expiresAt, accessKeyId } satisfies z.input<typeof reply>)
  },
})

const endpointOf = ({ url, region }: { readonly url: string; readonly region: string }) => ({ endpoint: url, region })

/** One that works now. Temporary credentials get none: a link by a key that stays would outlive them. */
function credentialOf({ iam, principal }: AdminContext): Credential {
  const { accountId, iamId } = principal
  if (principal.type !== 'service' && principal.temporarySinceMs !== undefined) {
    throw new CodedError<AdminErrorCode>(
      'NoAccessKey',
      'Links are signed with an access key (HMAC) that stays, and you have signed in with a temporary one.',
    )
  }
  for (const { accessKeyId } of iam.identities.credentials({ accountId, iamId })) {
    const credential = iam.findCredential(accessKeyId)
    if (credential?.principal.iamId === iamId) return credential
  }
  throw new CodedError<AdminErrorCode>(
    'NoAccessKey',
    'Links are signed with an access key (HMAC) of your own, and you have none that works.',
  )
}

/** RFC 6266. */
const disposition = (fileName: string): string =>
  `attachment; filename*=UTF-8''${encodeURIComponent(fileName.toWellFormed()).replace(/['()*]/g, escaped)}`

const escaped = (character: string): string => `%${character.charCodeAt(0).toString(16).toUpperCase()}`
