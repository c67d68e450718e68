import { z } from 'zod'
import { INVENTORY_FIELDS, type InventoryConfiguration } from '../../objects/inventory/configuration.ts'
import { S3Error } from './error-codes.ts'
import { CONFIGURATION_BODY, checkId, namedConfigurations } from './named-configurations.ts'
import { parseXml, type XmlElement } from './xml/decode.ts'
import type { XmlContent } from './xml/encode.ts'

const inventoryConfiguration = z.strictObject({
  id: z.string(),
  enabled: z.boolean(),
  targetBucket: z.string(),
  targetPrefix: z.string().exactOptional(),
  accountId: z.string().exactOptional(),
  prefix: z.string().exactOptional(),
  versions: z.enum(['All', 'Current']),
  frequency: z.enum(['Daily', 'Weekly']),
  fields: z.array(z.enum(INVENTORY_FIELDS)),
})

export const inventoryConfigurations = namedConfigurations('inventory', inventoryConfiguration)

const ARN = 'arn:aws:s3:::'
/** Columns that S3 has and a report here has not. */
const OTHER_FIELDS = [
  ...['EncryptionStatus', 'ObjectLockRetainUntilDate', 'ObjectLockMode', 'BucketKeyStatus'],
  ...[
    'ObjectLockLegalHoldStatus',
    'IntelligentTieringAccessTier',
    'ObjectAccessControlList',
    'LifecycleExpirationDate',
  ],
]

const malformed = () => new S3Error('MalformedXML')

export function readInventory(document: Buffer, id: string): z.infer<typeof inventoryConfiguration> {
  const root = parseXml(document, 'InventoryConfiguration', CONFIGURATION_BODY.maxBytes)
  root.allow('Destination', 'IsEnabled', 'Filter', 'Id', 'IncludedObjectVersions', 'OptionalFields', 'Schedule')
  checkId(root, id)
  const enabled = root.text('IsEnabled')
  const versions = root.text('IncludedObjectVersions')
  const frequency = root.child('Schedule')?.text('Frequency')
  if (enabled !== 'true' && enabled !== 'false') throw malformed()
  if (versions !== 'All' && versions !== 'Current') throw malformed()
  if (frequency !== 'Daily' && frequency !== 'Weekly') throw malformed()
  const filter = root.child('Filter')
  filter?.allow('Prefix')
  const prefix = filter?.text('Prefix')
  return {
    ...{ id, enabled: enabled === 'true', versions, frequency, ...readDestination(root) },
    ...(prefix === undefined ? {} : { prefix }),
    fields: readFields(root.child('OptionalFields')),
  }
}

function readDestination(
  root: XmlElement,
): Pick<InventoryConfiguration, 'targetBucket' | 'targetPrefix' | 'accountId'> {
  const destination = root.child('Destination')?.child('S3BucketDestination')
  destination?.allow('AccountId', 'Bucket', 'Encryption', 'Format', 'Prefix')
  const arn = destination?.text('Bucket')
  const format = destination?.text('Format')
  if (!destination || arn === undefined) throw malformed()
  if (format !== 'CSV') {
    if (format !== 'ORC' && format !== 'Parquet') throw malformed()
    throw new S3Error('NotImplemented', `Inventory reports as ${format} are not implemented: ask for CSV.`)
  }
  if (destination.child('Encryption')) {
    throw new S3Error('NotImplemented', 'Inventory reports are encrypted as their bucket is: leave out Encryption.')
  }
  if (!arn.startsWith(ARN)) throw new S3Error('InvalidS3DestinationBucket')
  const targetPrefix = destination.text('Prefix')
  const accountId = destination.text('AccountId')
  return {
    targetBucket: arn.slice(ARN.length),
    ...(targetPrefix ? { targetPrefix } : {}),
    ...(accountId === undefined ? {} : { accountId }),
  }
}

function readFields(element: XmlElement | undefined) {
  element?.allow('Field')
  const names = (element?.elements ?? []).map((field) => field.value())
  const other = names.find((name) => OTHER_FIELDS.includes(name))
  if (other !== undefined) throw new S3Error('NotImplemented', `The inventory field ${other} is not implemented.`)
  if (new Set(names).size < names.length) throw malformed()
  return names.map((name) => {
    const known = INVENTORY_FIELDS.find((field) => field === name)
    if (known === undefined) throw malformed()
    return known
  })
}

export const inventoryContent = (of: InventoryConfiguration): XmlContent => ({
  Destination: {
    S3BucketDestination: {
      AccountId: of.accountId,
      Bucket: `${ARN}${of.targetBucket}`,
      Format: 'CSV',
      Prefix: of.targetPrefix,
    },
  },
  IsEnabled: of.enabled,
  Filter: of.prefix === undefined ? undefined : { Prefix: of.prefix },
  Id: of.id,
  IncludedObjectVersions: of.versions,
  OptionalFields: of.fields.length > 0 ? { Field: of.fields } : undefined,
  Schedule: { Frequency: of.frequency },
})
