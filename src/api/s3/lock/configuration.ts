import { z } from 'zod'
import type { NewBucket } from '../../../objects/bucket-lifecycle.ts'
import type { LockDocument } from '../../../objects/object-lock.ts'
import { S3Error } from '../error-codes.ts'
import type { S3Request } from '../request.ts'
import { storedDocument } from '../stored-document.ts'
import { parseXml } from '../xml/decode.ts'
import type { XmlContent } from '../xml/encode.ts'
import { retentionMode } from './mode.ts'

export const LOCK_BODY = { maxBytes: 16 * 1024 }

const DAYS = { max: 36_500, of: 'days' } as const
const YEARS = { max: 100, of: 'years' } as const

/** There from the moment on that a bucket has Object Lock; without a mode there is no default retention. */
export const objectLock = storedDocument<LockDocument>(
  'objectLock',
  z.strictObject({
    mode: z.enum(['GOVERNANCE', 'COMPLIANCE']).exactOptional(),
    days: z.int().exactOptional(),
    years: z.int().exactOptional(),
  }),
)

const ENABLED = 'x-amz-bucket-object-lock-enabled'

export const wantsLock = ({ headers }: Pick<S3Request, 'headers'>): boolean =>
  headers.get(ENABLED)?.toLowerCase() === 'true'

/** Of CreateBucket: such a bucket has versioning from the first moment on. */
export function newBucketLock(request: S3Request): Pick<NewBucket, 'versioning' | 'documents'> {
  const wanted = request.headers.get(ENABLED)?.toLowerCase() ?? 'false'
  if (wanted !== 'true' && wanted !== 'false') {
    throw new S3Error('InvalidArgument', undefined, { extra: { ArgumentName: ENABLED, ArgumentValue: wanted } })
  }
  return wantsLock(request) ? { versioning: 'Enabled', documents: { objectLock: {} } } : {}
}

/** `<ObjectLockConfiguration><ObjectLockEnabled/><Rule><DefaultRetention><Mode/><Days/>|<Years/></…></…></…>` */
export function readLockConfiguration(body: Buffer): LockDocument {
  const root = parseXml(body, 'ObjectLockConfiguration', LOCK_BODY.maxBytes)
  root.allow('ObjectLockEnabled', 'Rule')
  if (root.text('ObjectLockEnabled') !== 'Enabled') throw new S3Error('MalformedXML')
  const rule = root.child('Rule')
  if (!rule) return {}
  rule.allow('DefaultRetention')
  const retention = rule.child('DefaultRetention')
  if (!retention) throw new S3Error('MalformedXML')
  retention.allow('Mode', 'Days', 'Years')
  const mode = retentionMode(retention.text('Mode'))
  const [days, years] = [retention.text('Days'), retention.text('Years')]
  if (days !== undefined && years === undefined) return { mode, days: period(days, DAYS) }
  if (days === undefined && years !== undefined) return { mode, years: period(years, YEARS) }
  throw new S3Error('MalformedXML')
}

function period(text: string, { max, of }: typeof DAYS | typeof YEARS): number {
  if (!/^-?\d{1,9}$/.test(text.trim())) throw new S3Error('MalformedXML')
  const value = Number(text)
  if (value < 1)
    throw new S3Error('InvalidRetentionPeriod', 'Default retention period must be a positive integer value.')
  if (value > max) {
    throw new S3Error('InvalidRetentionPeriod', `Default retention period is longer than ${max} ${of}.`)
  }
  return value
}

export const lockConfiguration = ({ mode, days, years }: LockDocument): XmlContent => ({
  ObjectLockEnabled: 'Enabled',
  ...(mode === undefined ? {} : { Rule: { DefaultRetention: { Mode: mode, Days: days, Years: years } } }),
})
