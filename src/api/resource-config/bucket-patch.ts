import { z } from 'zod'
import { parseCrn } from '../../base/crn.ts'
import { CodedError } from '../../base/errors.ts'
import { isNetworkOrAddress } from '../../base/networks.ts'
import type { Action } from '../../iam/actions.ts'
import { type BucketSettings, MAX_NETWORKS, NETWORK_TYPES } from '../../objects/bucket-configuration.ts'

const networks = z
  .array(z.string().refine(isNetworkOrAddress, 'is no IPv4 or IPv6 address and no network in CIDR notation'))
  .max(MAX_NETWORKS, `holds at most ${MAX_NETWORKS} networks`)

const crn = z.string().max(512, 'is too long').refine(isCrn, 'is no CRN')

function isCrn(text: string): boolean {
  try {
    parseCrn(text)
    return true
  } catch (error) {
    if (error instanceof CodedError) return false
    throw error
  }
}

/**
 * RFC 7396: what is not named stays, null removes, arrays are replaced. Members that the service counts or that it was not
 * made for are refused and not passed over, for whoever sets one wants something of it.
 */
export const bucketPatch = z.strictObject({
  hard_quota: z.int('is a number of bytes').min(0, 'is not negative').nullish(),
  firewall: z
    .strictObject({
      allowed_ip: networks.nullish(),
      denied_ip: networks.nullish(),
      allowed_network_type: z
        .array(z.enum(NETWORK_TYPES, `is one of ${NETWORK_TYPES.join(', ')}`))
        .max(NETWORK_TYPES.length, 'names a network type twice')
        .nullish(),
    })
    .nullish(),
  activity_tracking: z
    .strictObject({
      read_data_events: z.boolean().nullish(),
      write_data_events: z.boolean().nullish(),
      management_events: z.boolean().nullish(),
      activity_tracker_crn: crn.nullish(),
    })
    .nullish(),
  metrics_monitoring: z
    .strictObject({
      usage_metrics_enabled: z.boolean().nullish(),
      request_metrics_enabled: z.boolean().nullish(),
      metrics_monitoring_crn: crn.nullish(),
    })
    .nullish(),
})
export type BucketPatch = z.output<typeof bucketPatch>

/** What each member of a patch takes. */
const ACTIONS: Readonly<Record<keyof BucketPatch, Action>> = {
  hard_quota: 's3:PutBucketQuota',
  firewall: 's3:PutBucketFirewall',
  activity_tracking: 's3:PutBucketActivityTracking',
  metrics_monitoring: 's3:PutBucketMetricsMonitoring',
}

export const actionsOf = (patch: BucketPatch): readonly Action[] =>
  Object.entries(ACTIONS).flatMap(([name, action]) => (Object.hasOwn(patch, name) ? [action] : []))

export function patched(now: BucketSettings, patch: BucketPatch): BucketSettings {
  const { firewall, activity_tracking: activity, metrics_monitoring: metrics } = patch
  // IBM: a quota of 0 is none.
  const quota = merged(now.hardQuotaBytes, patch.hard_quota)
  return {
    hardQuotaBytes: quota === 0 ? undefined : quota,
    firewall: mergedMembers(now.firewall, firewall, (was, is) => ({
      allowedIp: merged(was.allowedIp, is.allowed_ip),
      deniedIp: merged(was.deniedIp, is.denied_ip),
      allowedNetworkType: merged(was.allowedNetworkType, is.allowed_network_type),
    })),
    activityTracking: mergedMembers(now.activityTracking, activity, (was, is) => ({
      readDataEvents: merged(was.readDataEvents, is.read_data_events),
      writeDataEvents: merged(was.writeDataEvents, is.write_data_events),
      managementEvents: merged(was.managementEvents, is.management_events),
      activityTrackerCrn: merged(was.activityTrackerCrn, is.activity_tracker_crn),
    })),
    metricsMonitoring: mergedMembers(now.metricsMonitoring, metrics, (was, is) => ({
      usageMetricsEnabled: merged(was.usageMetricsEnabled, is.usage_metrics_enabled),
      requestMetricsEnabled: merged(was.requestMetricsEnabled, is.request_metrics_enabled),
      metricsMonitoringCrn: merged(was.metricsMonitoringCrn, is.metrics_monitoring_crn),
    })),
  }
}

const merged = <Value>(was: Value | undefined, is: Value | null | undefined): Value | undefined =>
  is === undefined ? was : (is ?? undefined)

function mergedMembers<Members extends object, Patch>(
  was: Members | undefined,
  is: Patch | null | undefined,
  merge: (was: Partial<Members>, is: Patch) => Members,
): Members | undefined {
  if (is === undefined) return was
  return is === null ? undefined : merge(was ?? {}, is)
}
