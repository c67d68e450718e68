import { z } from 'zod'
import type { IamErrorCode } from '../../iam/errors.ts'
import type { ObjectsErrorCode } from '../../objects/errors.ts'
import type { AuditErrorCode } from '../../observe/audit-trail.ts'
import type { MetadataStoreErrorCode } from '../../storage/metadata/metadata-store.ts'
import { faceRenderer } from '../common/face-renderer.ts'
import { json } from '../common/reply.ts'

export type ConfigErrorCode =
  | Extract<IamErrorCode, 'InvalidToken' | 'ExpiredToken' | 'NotPermitted'>
  /** If-Match is not the configuration's ETag. */
  | 'ConfigurationChanged'

type LowerCode =
  | ConfigErrorCode
  | Extract<ObjectsErrorCode, 'NoSuchBucket' | 'BucketBusy'>
  | Extract<MetadataStoreErrorCode, 'NoSpace' | 'MetadataStoreFailed' | 'CommitUnknown'>
  | AuditErrorCode

const FACES = {
  InvalidToken: [401, 'invalid_token'],
  ExpiredToken: [401, 'invalid_token'],
  NotPermitted: [403, 'forbidden'],
  NoSuchBucket: [404, 'not_found'],
  BucketBusy: [409, 'conflict'],
  ConfigurationChanged: [412, 'precondition_failed'],
  NoSpace: [503, 'service_unavailable'],
  MetadataStoreFailed: [503, 'service_unavailable'],
  CommitUnknown: [503, 'service_unavailable'],
  AuditUnavailable: [503, 'service_unavailable'],
} as const satisfies Record<LowerCode, readonly [number, string]>

export const errorReply = z.object({
  errors: z.array(z.object({ code: z.string(), message: z.string() })),
  trace: z.string(),
  status_code: z.int(),
})

/** IBM's container of errors: `{"errors":[{"code","message"}],"trace","status_code"}`. */
export const renderError = faceRenderer<readonly [number, string]>({
  faces: FACES,
  ofRequest: (status) => [status, status === 404 ? 'not_found' : status === 405 ? 'method_not_allowed' : 'bad_request'],
  internal: [500, 'internal_error'],
  reply: ({ correlationId }, [status, code], message, headers) =>
    json(status, { errors: [{ code, message }], trace: correlationId, status_code: status }, headers),
})
