import { ObjectsError } from '../../../objects/errors.ts'
import { endOf } from '../../../objects/protection.ts'
import { S3Error } from '../error-codes.ts'
import { bucketProtection } from '../lock/protection.ts'
import { defineOperation } from '../operation.ts'
import { located, objectTarget } from '../target.ts'
import { xmlReply } from '../xml-reply.ts'

export const listLegalHolds = defineOperation({
  name: 'ListLegalHolds',
  method: 'GET',
  on: 'object',
  query: { legalHold: true },
  action: 's3:ListLegalHolds',
  parse: objectTarget,
  run: async (target, context) => {
    const place = located(target, context)
    if (!bucketProtection.of(context.objects, place.bucket)) {
      throw new S3Error('InvalidRequest', 'The bucket has no protection configuration.')
    }
    const known = await context.objects.known(place)
    if (!known) {
      throw new ObjectsError('NoSuchKey', 'The specified key does not exist.', { details: { key: target.key } })
    }
    const { holds = [], periodSeconds } = known.lock ?? {}
    const endMs = endOf(known.lock ?? {})
    return xmlReply('RetentionState', {
      CreateTime: dateOf(known.modifiedAtMs),
      ...(periodSeconds === undefined ? {} : { RetentionPeriod: periodSeconds }),
      ...(endMs === undefined ? {} : { RetentionPeriodExpirationDate: dateOf(endMs) }),
      LegalHolds: { LegalHold: holds.map(({ id, atMs }) => ({ ID: id, Date: dateOf(atMs) })) },
    })
  },
})

const dateOf = (timeMs: number): string => new Date(timeMs).toISOString()
