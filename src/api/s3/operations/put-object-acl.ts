import { ObjectsError } from '../../../objects/errors.ts'
import { wantedAcl } from '../access/change-acl.ts'
import { aclToJson, isAcl } from '../access/documents.ts'
import { S3Error } from '../error-codes.ts'
import { defineOperation } from '../operation.ts'
import { located, objectTarget } from '../target.ts'
import { versionHeader } from '../version-headers.ts'

export const putObjectAcl = defineOperation({
  name: 'PutObjectAcl',
  method: 'PUT',
  on: 'object',
  query: { acl: true },
  takes: ['versionId'],
  action: 's3:PutObjectAcl',
  versionAction: 's3:PutObjectVersionAcl',
  parse: objectTarget,
  run: async (target, context) => {
    const { objects } = context
    const where = located(target, context)
    const known = await objects.known(where)
    if (!known) {
      throw new ObjectsError('NoSuchKey', 'The specified key does not exist.', { details: { key: target.key } })
    }
    const owner = known.owner?.id ?? where.bucket.ownerId
    const acl = await wantedAcl(context, where.bucket, owner)
    const { versionId } = await objects.changeProperties(where, (now) => {
      // What was put in its place meanwhile is somebody else's to speak for.
      if ((now.owner?.id ?? where.bucket.ownerId) !== owner) throw new S3Error('OperationAborted')
      return isAcl(now.acl, acl) ? now : { ...now, acl: aclToJson(acl) }
    })
    return { status: 200, headers: { ...versionHeader(where.bucket, versionId), 'content-length': 0 } }
  },
})
