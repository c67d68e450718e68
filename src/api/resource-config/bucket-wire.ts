import { z } from 'zod'
import { parseCrn } from '../../base/crn.ts'
import type { BucketConfiguration } from '../../objects/bucket-configuration.ts'
import type { Bucket } from '../../objects/buckets.ts'
import { bucketCrn } from '../../objects/deregistrations.ts'
import type { Totals } from '../../objects/usage.ts'
import type { VersionTotals } from '../../objects/version-counts.ts'
import type { AnswerOf } from '../common/json-operation.ts'

const addresses = z.array(z.string()).optional()

export const bucketAnswer = z.object({
  name: z.string(),
  crn: z.string(),
  service_instance_id: z.string(),
  service_instance_crn: z.string(),
  time_created: z.string(),
  time_updated: z.string(),
  object_count: z.int(),
  bytes_used: z.int(),
  noncurrent_object_count: z.int(),
  noncurrent_bytes_used: z.int(),
  delete_marker_count: z.int(),
  hard_quota: z.int().optional(),
  firewall: z
    .object({ allowed_ip: addresses, denied_ip: addresses, allowed_network_type: z.array(z.string()).optional() })
    .optional()
    .meta({ description: 'For who may see it, as are the next two.' }),
  activity_tracking: z
    .object({
      read_data_events: z.boolean().optional(),
      write_data_events: z.boolean().optional(),
      management_events: z.boolean().optional(),
      activity_tracker_crn: z.string().optional(),
    })
    .optional(),
  metrics_monitoring: z
    .object({
      usage_metrics_enabled: z.boolean().optional(),
      request_metrics_enabled: z.boolean().optional(),
      metrics_monitoring_crn: z.string().optional(),
    })
    .optional(),
})

/** Groups that the caller may not see are left out. */
export interface Visible {
  readonly firewall: boolean
  readonly activityTracking: boolean
  readonly metricsMonitoring: boolean
}

export function writeBucket(
  bucket: Bucket,
  configuration: BucketConfiguration,
  usage: Totals & VersionTotals,
  visible: Visible,
): AnswerOf<typeof bucketAnswer> {
  const { hardQuotaBytes, firewall, activityTracking, metricsMonitoring, updatedAtMs } = configuration
  return {
    name: bucket.name,
    crn: bucketCrn(bucket),
    service_instance_id: parseCrn(bucket.serviceInstanceCrn).instance,
    service_instance_crn: bucket.serviceInstanceCrn,
    time_created: new Date(bucket.createdAtMs).toISOString(),
    time_updated: new Date(updatedAtMs ?? bucket.createdAtMs).toISOString(),
    object_count: usage.objects,
    bytes_used: usage.bytes,
    noncurrent_object_count: usage.noncurrentObjects,
    noncurrent_bytes_used: usage.noncurrentBytes,
    delete_marker_count: usage.deleteMarkers,
    hard_quota: hardQuotaBytes,
    firewall: visible.firewall && firewall ? firewallOf(firewall) : undefined,
    activity_tracking: visible.activityTracking && activityTracking ? activityOf(activityTracking) : undefined,
    metrics_monitoring: visible.metricsMonitoring && metricsMonitoring ? metricsOf(metricsMonitoring) : undefined,
  }
}

type Group<Name extends keyof BucketConfiguration> = NonNullable<BucketConfiguration[Name]>

const firewallOf = ({ allowedIp, deniedIp, allowedNetworkType }: Group<'firewall'>) => ({
  allowed_ip: allowedIp,
  denied_ip: deniedIp,
  allowed_network_type: allowedNetworkType,
})

const activityOf = (tracking: Group<'activityTracking'>) => ({
  read_data_events: tracking.readDataEvents,
  write_data_events: tracking.writeDataEvents,
  management_events: tracking.managementEvents,
  activity_tracker_crn: tracking.activityTrackerCrn,
})

const metricsOf = (metrics: Group<'metricsMonitoring'>) => ({
  usage_metrics_enabled: metrics.usageMetricsEnabled,
  request_metrics_enabled: metrics.requestMetricsEnabled,
  metrics_monitoring_crn: metrics.metricsMonitoringCrn,
})
