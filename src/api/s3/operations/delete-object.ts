import { conditionNeeds, deleteConditions } from '../condition-headers.ts'
import { S3Error } from '../error-codes.ts'
import { bypassesGovernance, bypassNeeds } from '../lock/headers.ts'
import { defineOperation } from '../operation.ts'
import { refuseUnsupported } from '../refused-headers.ts'
import { replicaMarkerNeeds, replicaOf } from '../replication/replica-headers.ts'
import { located, objectTarget } from '../target.ts'
import { versionHeader } from '../version-headers.ts'

export const deleteObject = defineOperation({
  name: 'DeleteObject',
  method: 'DELETE',
  on: 'object',
  takes: ['versionId'],
  action: 's3:DeleteObject',
  versionAction: 's3:DeleteObjectVersion',
  alsoNeeds: (request) => [...conditionNeeds(request), ...bypassNeeds(request), ...replicaMarkerNeeds(request)],
  parse: (request) => {
    refuseUnsupported(request)
    const conditions = deleteConditions({
      etag: request.headers.get('if-match'),
      size: request.headers.get('x-amz-if-match-size'),
      lastModified: request.headers.get('x-amz-if-match-last-modified-time'),
    })
    const target = objectTarget(request)
    const replica = replicaOf(request)
    // What is removed for good is not replicated.
    if (replica && target.versionId !== undefined) throw new S3Error('InvalidRequest')
    return { target, conditions, bypassGovernance: bypassesGovernance(request), replica }
  },
  run: async ({ target, conditions, bypassGovernance, replica }, context) => {
    const place = located(target, context)
    const { versionId, deleteMarker } = await context.objects.delete({
      ...place,
      conditions,
      bypassGovernance,
      replica,
    })
    return {
      status: 204,
      headers: {
        ...versionHeader(place.bucket, versionId),
        ...(deleteMarker ? { 'x-amz-delete-marker': 'true' } : {}),
      },
    }
  },
})
