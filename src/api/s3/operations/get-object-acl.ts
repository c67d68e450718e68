import { privateAcl } from '../../../access/acl.ts'
import { ObjectsError } from '../../../objects/errors.ts'
import { aclDocument } from '../access/acl-xml.ts'
import { aclFromJson, ownershipOf } from '../access/documents.ts'
import { defineOperation } from '../operation.ts'
import { located, objectTarget } from '../target.ts'
import { versionHeader } from '../version-headers.ts'
import { xmlReply } from '../xml-reply.ts'

export const getObjectAcl = defineOperation({
  name: 'GetObjectAcl',
  method: 'GET',
  on: 'object',
  query: { acl: true },
  takes: ['versionId'],
  action: 's3:GetObjectAcl',
  versionAction: 's3:GetObjectVersionAcl',
  parse: objectTarget,
  run: async (target, context) => {
    const { objects, accounts } = context
    const where = located(target, context)
    const known = await objects.known(where)
    if (!known) {
      throw new ObjectsError('NoSuchKey', 'The specified key does not exist.', { details: { key: target.key } })
    }
    const { ownerId } = where.bucket
    const enforced = ownershipOf(objects, where.bucket) === 'BucketOwnerEnforced'
    const acl = enforced ? privateAcl(ownerId) : aclFromJson(known.owner?.id ?? ownerId, known.acl)
    return xmlReply('AccessControlPolicy', aclDocument(acl, accounts), versionHeader(where.bucket, known.versionId))
  },
})
