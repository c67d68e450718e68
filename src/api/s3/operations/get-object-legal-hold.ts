import { S3Error } from '../error-codes.ts'
import { knownLock } from '../lock/known-lock.ts'
import { defineOperation } from '../operation.ts'
import { objectTarget } from '../target.ts'
import { xmlReply } from '../xml-reply.ts'

export const getObjectLegalHold = defineOperation({
  name: 'GetObjectLegalHold',
  method: 'GET',
  on: 'object',
  query: { 'legal-hold': true },
  takes: ['versionId'],
  action: 's3:GetObjectLegalHold',
  parse: objectTarget,
  run: async (target, context) => {
    const lock = await knownLock(target, context)
    if (lock?.legalHold === undefined) throw new S3Error('NoSuchObjectLockConfiguration')
    return xmlReply('LegalHold', { Status: lock.legalHold ? 'ON' : 'OFF' })
  },
})
