import { z } from 'zod'
import { OFF, type ReplicationConfiguration } from '../../../objects/replication/configuration.ts'
import { configurationFilter } from '../configuration-filter.ts'
import { storedDocument } from '../stored-document.ts'

const destination = z.strictObject({
  arn: z.string(),
  bucket: z.string(),
  bucketId: z.string().exactOptional(),
  target: z.string().exactOptional(),
  account: z.string().exactOptional(),
  storageClass: z.string().exactOptional(),
  ownerOverride: z.literal(true).exactOptional(),
  keyName: z.string().exactOptional(),
  rootKeyCrn: z.string().exactOptional(),
  encryption: z.enum(['provider-managed', 'customer-managed']).exactOptional(),
})

const rule = z.strictObject({
  id: z.string(),
  enabled: z.boolean(),
  priority: z.number().exactOptional(),
  prefix: z.string().exactOptional(),
  filter: configurationFilter.exactOptional(),
  deleteMarkers: z.boolean().exactOptional(),
  kmsObjects: z.boolean().exactOptional(),
  off: z.array(z.enum(OFF)).exactOptional(),
  destination,
})

const configuration: z.ZodType<ReplicationConfiguration> = z.strictObject({
  role: z.string().exactOptional(),
  orderedBy: z.string().exactOptional(),
  rules: z.array(rule),
})

export const bucketReplication = storedDocument('replication', configuration)
