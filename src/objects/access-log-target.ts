import { parseCrn } from '../base/crn.ts'
import { randomId } from '../base/ids.ts'
import type { Json } from './bucket-document.ts'
import type { Documents } from './bucket-documents.ts'
import type { Bucket } from './buckets.ts'

/** The document `logging` of a bucket: where what is asked of it is written down. */
export type Logging = {
  readonly targetBucket: string
  readonly targetPrefix: string
  /** The names of the logs begin with account, region, bucket and day. */
  readonly partitionedBy?: 'EventTime' | 'DeliveryTime'
  /** Of the logs; absent: their bucket's owner's alone. */
  readonly acl?: Json
}

/** What is stored was written as one, and its row authenticated. */
export const loggingFrom = (document: Json | undefined): Logging | undefined => document as Logging | undefined

/** Where the log of a bucket goes; undefined: nobody wants it. */
export function loggingOf(documents: Pick<Documents, 'get'>, bucket: Pick<Bucket, 'id'>): Logging | undefined {
  try {
    return loggingFrom(documents.get(bucket, 'logging'))
  } catch {
    // A damaged document was told of at the start: nobody knows where the log goes, and requests are answered without.
    return undefined
  }
}

/** The name of a log, as S3 makes it. */
export function accessLogKey(
  { targetPrefix, partitionedBy }: Logging,
  log: {
    readonly source: Pick<Bucket, 'name' | 'serviceInstanceCrn'>
    readonly region: string
    readonly eventTimeMs: number
    readonly deliveryTimeMs: number
  },
): string {
  const timeMs = partitionedBy === 'EventTime' ? log.eventTimeMs : log.deliveryTimeMs
  const [date = '', time = ''] = new Date(timeMs).toISOString().slice(0, 19).split('T')
  // S3: logs of a day of events say nothing of the time.
  const hours = partitionedBy === 'EventTime' ? '00-00-00' : time.replaceAll(':', '-')
  const name = `${date}-${hours}-${randomId()}`
  if (partitionedBy === undefined) return targetPrefix + name
  const { account } = parseCrn(log.source.serviceInstanceCrn)
  const day = date.replaceAll('-', '/')
  return `${targetPrefix}${account}/${log.region}/${log.source.name}/${day}/${name}`
}
