import { clientAddressBehind } from '../api/common/client-address.ts'
import type { RequestMetrics } from '../api/common/request-metrics.ts'
import type { HeldTokens } from '../api/s3/authenticate.ts'
import { firewallTest } from '../api/s3/firewall.ts'
import { createS3Handler, type S3Handler, type ServedObjects } from '../api/s3/handler.ts'
import { createQueryServer } from '../api/s3/query/serve-query.ts'
import type { Iam } from '../iam/iam.ts'
import type { RoomOptions } from './room.ts'

/** What S3 stands in front of, in whichever thread. */
export interface Served {
  readonly objects: ServedObjects
  readonly iam: Iam & HeldTokens
  /** Root key of buckets that name none. */
  readonly serviceRootKeyCrn: string
  readonly accountRootKey: (accountId: string) => Promise<string>
  /** Names. */
  readonly storageClasses: readonly string[]
  /** As ARNs of them end. */
  readonly notificationTargets: readonly string[]
  /** Serves what this thread does not. */
  readonly elsewhere?: S3Handler
  readonly onServed: RequestMetrics['served']
}

export function s3Handler(
  { config, log, clock, audit, throttle }: Pick<RoomOptions, 'config' | 'log' | 'clock' | 'audit' | 'throttle'>,
  { objects, iam, serviceRootKeyCrn, accountRootKey, storageClasses, notificationTargets, elsewhere, onServed }: Served,
): S3Handler {
  return createS3Handler({
    objects,
    iam,
    clock,
    elsewhere,
    identities: iam.aws.uniqueIds,
    query: createQueryServer({ iam, clock, settings: { region: config['s3.region'] }, throttle }),
    throttle,
    domains: config['s3.domain'],
    websiteDomains: config['s3.website-domain'],
    clientAddress: clientAddressBehind(config['trusted-proxies']),
    firewall: firewallTest(config['kms.private-networks']),
    activity: audit.activity,
    settings: {
      region: config['s3.region'],
      serviceRootKeyCrn,
      notificationTargets,
      replicationTargets: config['s3.replication-targets'],
      storageClasses,
      accountRootKey,
      customerKeysOverHttp: config['s3.customer-keys-over-http'],
      bucketDefaults: config['s3.bucket-defaults'],
    },
    log: {
      access: ({ durationMs, ...entry }) => {
        const { operation, status, code } = entry
        onServed({ operation, status, code, seconds: durationMs / 1000 })
        log.info({ ...entry, durationMs: Math.round(durationMs) }, operation)
      },
      fault: (entry, err) => log.error({ ...entry, err }, 'request failed'),
    },
  })
}
