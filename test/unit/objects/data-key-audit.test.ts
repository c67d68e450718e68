import { beforeEach, describe, expect, it } from 'vitest'
import { CodedError } from '../../../src/base/errors.ts'
import type { Bucket } from '../../../src/objects/buckets.ts'
import type { Asker, DataKeyUse } from '../../../src/objects/data-key-audit.ts'
import type { ObjectsService } from '../../../src/objects/objects.ts'
import { type AuditErrorCode, noAudit } from '../../../src/observe/audit-trail.ts'
import { bodyOf, plain, testEngine } from '../../support/engine.ts'

const uses: DataKeyUse[] = []
let full = false
const audit = {
  ...noAudit,
  ready: () => {
    if (full) throw new CodedError<AuditErrorCode>('AuditUnavailable', 'full')
  },
  record: (use: DataKeyUse) => void uses.push(use),
}
const asker: Asker = { iamId: 'IBMid-x', action: 's3.Test', reason: 'role Writer', requestId: 'R1' }

let engine: Awaited<ReturnType<typeof testEngine>>
let bucket: Bucket
/** Another request each time. */
const request = (requestId = 'R1'): ObjectsService => engine.objects.onBehalfOf({ ...asker, requestId })
beforeEach(async () => {
  full = false
  engine = await testEngine({ audit })
  bucket = await request().createBucket(engine.newBucket)
  uses.length = 0
})

const told = () => uses.map(({ use, dataKey, key, code }) => [use, dataKey, key, code])

describe('uses of data keys', () => {
  it('are recorded for whoever asked, with the key and version that allowed it', async () => {
    await request('R2').put({ bucket, key: 'k', body: bodyOf('text'), ...plain })
    expect(told()).toEqual([
      ['wrap', 'object', 'k', undefined],
      ['unwrap', 'bucket-metadata', undefined, undefined],
    ])
    const { rootKeyCrn, serviceInstanceCrn } = engine.newBucket
    const about = { bucket: 'bucket', rootKeyCrn, serviceInstanceCrn, keyVersion: expect.any(String) }
    expect(uses[0]).toMatchObject({ ...about, asker: { ...asker, requestId: 'R2' } })
  })

  it('of one key for one thing are recorded once in a request, and again in the next one', async () => {
    const writing = request('R2')
    const { uploadId } = await writing.createUpload({ bucket, key: 'u', ...plain })
    const upload = await writing.findUpload({ bucket, key: 'u', uploadId })
    for (const number of [1, 2, 3]) await writing.uploadPart(upload, number, bodyOf('part'))
    expect(told()).toEqual([
      ['wrap', 'object', 'u', undefined],
      ['unwrap', 'object', 'u', undefined],
      ['unwrap', 'bucket-metadata', undefined, undefined],
    ])
    await request('R3').uploadPart(upload, 4, bodyOf('part'))
    expect(uses.slice(3).map(({ asker: { requestId } }) => requestId)).toEqual(['R3', 'R3'])
  })

  it('that are refused are recorded with the reason', async () => {
    await request().put({ bucket, key: 'k', body: bodyOf('text'), ...plain })
    await engine.kms.disable(engine.newBucket.rootKeyCrn)
    uses.length = 0
    await expect(request('R4').open({ bucket, key: 'k' })).rejects.toMatchObject({ code: 'RootKeyDisabled' })
    await expect(request('R5').put({ bucket, key: 'l', body: bodyOf(''), ...plain })).rejects.toThrow()
    expect(told()).toEqual([
      ['unwrap', 'object', 'k', 'RootKeyDisabled'],
      ['wrap', 'object', 'l', 'RootKeyDisabled'],
    ])
  })

  it('do not happen while they cannot be recorded; what needs no key goes on', async () => {
    await request().put({ bucket, key: 'k', body: bodyOf('text'), ...plain })
    full = true
    const unavailable = expect.objectContaining({ code: 'AuditUnavailable' })
    await expect(request('R6').open({ bucket, key: 'k' })).rejects.toEqual(unavailable)
    await expect(request('R6').put({ bucket, key: 'l', body: bodyOf(''), ...plain })).rejects.toEqual(unavailable)
    await expect(request('R6').createBucket({ ...engine.newBucket, name: 'other' })).rejects.toEqual(unavailable)
    await request('R6').delete({ bucket, key: 'k', conditions: {} })
    full = false
    await expect(request('R7').open({ bucket, key: 'k' })).rejects.toMatchObject({ code: 'NoSuchKey' })
  })
})
