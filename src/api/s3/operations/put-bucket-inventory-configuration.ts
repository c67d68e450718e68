import { readXmlBody } from '../checksum-headers.ts'
import { S3Error } from '../error-codes.ts'
import { inventoryConfigurations, readInventory } from '../inventory-configuration.ts'
import { CONFIGURATION_BODY, configurationTarget } from '../named-configurations.ts'
import { defineOperation } from '../operation.ts'

const fieldsSaid = (fields: readonly string[]) =>
  fields.length > 0 ? { inventoryaccessibleoptionalfields: fields } : {}

export const putBucketInventoryConfiguration = defineOperation({
  name: 'PutBucketInventoryConfiguration',
  method: 'PUT',
  on: 'bucket',
  query: { inventory: true, id: true },
  action: 's3:PutInventoryConfiguration',
  asksItself: true,
  parse: configurationTarget,
  run: async ({ bucket, id }, { objects, request, body, require }) => {
    const found = objects.buckets.get(bucket)
    const configuration = readInventory(await readXmlBody(request, body, CONFIGURATION_BODY), id)
    const said = fieldsSaid(configuration.fields)
    await require({ bucket, action: 's3:PutInventoryConfiguration', said })
    const target = objects.buckets.find(configuration.targetBucket)
    if (target?.serviceInstanceCrn !== found.serviceInstanceCrn) throw new S3Error('InvalidS3DestinationBucket')
    // Reports are written as the store's own work: whoever orders them must be allowed to write there himself.
    const key = configuration.targetPrefix ?? found.name
    await require({ bucket: target.name, key, action: 's3:PutObject' })
    await inventoryConfigurations.put(objects, found, configuration)
    return { status: 200, headers: { 'content-length': 0 } }
  },
})
