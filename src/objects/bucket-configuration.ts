import { z } from 'zod'
import { CodedError } from '../base/errors.ts'
import { uuidFromBytes, uuidToBytes } from '../base/ids.ts'
import type { Write } from '../storage/metadata/metadata-store.ts'
import { SPACE } from './keyspace.ts'

export const NETWORK_TYPES = ['public', 'private', 'direct'] as const
export type NetworkType = (typeof NETWORK_TYPES)[number]

/** A list that is there and empty keeps nobody out. */
export interface Firewall {
  /** Addresses and CIDR, as given. At most MAX_NETWORKS. */
  readonly allowedIp?: readonly string[] | undefined
  /** Of an address in both lists, this one decides. */
  readonly deniedIp?: readonly string[] | undefined
  readonly allowedNetworkType?: readonly NetworkType[] | undefined
}

/** What is done with the bucket and not by its configuration: which of it the audit log tells of. */
export interface ActivityTracking {
  readonly readDataEvents?: boolean | undefined
  readonly writeDataEvents?: boolean | undefined
  readonly managementEvents?: boolean | undefined
  readonly activityTrackerCrn?: string | undefined
}

export interface MetricsMonitoring {
  readonly usageMetricsEnabled?: boolean | undefined
  readonly requestMetricsEnabled?: boolean | undefined
  readonly metricsMonitoringCrn?: string | undefined
}

/** What the owner of a bucket can set of it. */
export interface BucketSettings {
  readonly hardQuotaBytes?: number | undefined
  readonly firewall?: Firewall | undefined
  readonly activityTracking?: ActivityTracking | undefined
  readonly metricsMonitoring?: MetricsMonitoring | undefined
}

export interface BucketConfiguration extends BucketSettings {
  /** 0 before the first change, one more with each. */
  readonly revision: number
  /** Of the last change; undefined before the first. */
  readonly updatedAtMs?: number | undefined
}

export const UNCONFIGURED: BucketConfiguration = { revision: 0 }

/** Of each list. A list is a row of its own, because both together are more than a row may hold. */
export const MAX_NETWORKS = 1000

/** What a row holds. Numbers are stored. */
const PART = { settings: 1, allowedIp: 2, deniedIp: 3 } as const

const version = { v: z.literal(1) }
const settingsRow = z.object({
  ...version,
  revision: z.int(),
  updatedAtMs: z.int(),
  hardQuotaBytes: z.int().exactOptional(),
  firewall: z
    .object({
      // Lengths, so that a list whose row is lost lets nobody in.
      allowedIp: z.int().exactOptional(),
      deniedIp: z.int().exactOptional(),
      networkTypes: z.array(z.enum(NETWORK_TYPES)).exactOptional(),
    })
    .exactOptional(),
  activityTracking: z
    .object({
      readDataEvents: z.boolean().exactOptional(),
      writeDataEvents: z.boolean().exactOptional(),
      managementEvents: z.boolean().exactOptional(),
      activityTrackerCrn: z.string().exactOptional(),
    })
    .exactOptional(),
  metricsMonitoring: z
    .object({
      usageMetricsEnabled: z.boolean().exactOptional(),
      requestMetricsEnabled: z.boolean().exactOptional(),
      metricsMonitoringCrn: z.string().exactOptional(),
    })
    .exactOptional(),
})
const listRow = z.object({ ...version, networks: z.array(z.string()) })

const keyOf = (bucketId: string, part: number): Buffer => Buffer.concat([uuidToBytes(bucketId), Buffer.from([part])])

/** All rows of a bucket's configuration lie together. */
export const configurationPrefix = (bucketId: string): Buffer => uuidToBytes(bucketId)
export const bucketOfConfigurationRow = (key: Buffer): string => uuidFromBytes(key.subarray(0, 16))

/** Replaces every row of the bucket's configuration. */
export function configurationWrites(bucketId: string, configuration: BucketConfiguration): Write[] {
  const { firewall, updatedAtMs = 0, ...rest } = configuration
  const { allowedIp, deniedIp, allowedNetworkType: networkTypes } = firewall ?? {}
  const lists = { allowedIp: allowedIp?.length, deniedIp: deniedIp?.length, networkTypes }
  const settings = { v: 1, ...rest, updatedAtMs, ...(firewall ? { firewall: lists } : {}) }
  const row = (part: number, value: unknown): Write => ({
    ...{ type: 'put', space: SPACE.configuration, key: keyOf(bucketId, part) },
    value: Buffer.from(JSON.stringify(value), 'utf8'),
  })
  const list = (part: number, networks: readonly string[] = []): Write =>
    networks.length > 0 ? row(part, { v: 1, networks }) : removal(bucketId, part)
  return [row(PART.settings, settings), list(PART.allowedIp, allowedIp), list(PART.deniedIp, deniedIp)]
}

export const configurationRemovals = (bucketId: string): Write[] =>
  Object.values(PART).map((part) => removal(bucketId, part))

const removal = (bucketId: string, part: number): Write => ({
  ...{ type: 'delete', space: SPACE.configuration, key: keyOf(bucketId, part) },
})

/** The rows of one bucket, whatever their order. Throws MetadataCorrupt for a version that is not known. */
export function readConfiguration(
  rows: readonly { readonly key: Buffer; readonly value: Buffer }[],
): BucketConfiguration {
  const rowOf = (part: number): Buffer | undefined => rows.find(({ key }) => key[16] === part)?.value
  const row = rowOf(PART.settings)
  if (!row) return UNCONFIGURED
  const { v: _, firewall, ...settings } = decoded(settingsRow, row)
  if (!firewall) return settings
  const networks = (name: 'allowedIp' | 'deniedIp') => {
    const count = firewall[name]
    if (count === undefined) return {}
    const list = rowOf(PART[name])
    const found = list ? decoded(listRow, list).networks : []
    if (found.length !== count) throw new CodedError('MetadataCorrupt', `a bucket's list ${name} is not complete`)
    return { [name]: found }
  }
  const { networkTypes } = firewall
  const types = networkTypes ? { allowedNetworkType: networkTypes } : {}
  return { ...settings, firewall: { ...networks('allowedIp'), ...networks('deniedIp'), ...types } }
}

function decoded<Row>(schema: z.ZodType<Row>, value: Buffer): Row {
  try {
    return schema.parse(JSON.parse(value.toString('utf8')))
  } catch (cause) {
    throw new CodedError('MetadataCorrupt', 'the configuration of a bucket cannot be read', { cause })
  }
}
