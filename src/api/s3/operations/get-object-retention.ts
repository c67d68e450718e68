import { S3Error } from '../error-codes.ts'
import { knownLock } from '../lock/known-lock.ts'
import { defineOperation } from '../operation.ts'
import { objectTarget } from '../target.ts'
import { xmlReply } from '../xml-reply.ts'

export const getObjectRetention = defineOperation({
  name: 'GetObjectRetention',
  method: 'GET',
  on: 'object',
  query: { retention: true },
  takes: ['versionId'],
  action: 's3:GetObjectRetention',
  parse: objectTarget,
  run: async (target, context) => {
    const { mode, retainUntilMs } = (await knownLock(target, context)) ?? {}
    if (mode === undefined || retainUntilMs === undefined) throw new S3Error('NoSuchObjectLockConfiguration')
    return xmlReply('Retention', { Mode: mode, RetainUntilDate: new Date(retainUntilMs).toISOString() })
  },
})
