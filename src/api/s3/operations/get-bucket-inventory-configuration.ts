import { inventoryConfigurations, inventoryContent } from '../inventory-configuration.ts'
import { configurationTarget } from '../named-configurations.ts'
import { defineOperation } from '../operation.ts'
import { xmlReply } from '../xml-reply.ts'

export const getBucketInventoryConfiguration = defineOperation({
  name: 'GetBucketInventoryConfiguration',
  method: 'GET',
  on: 'bucket',
  query: { inventory: true, id: true },
  action: 's3:GetInventoryConfiguration',
  parse: configurationTarget,
  run: async ({ bucket, id }, { objects }) =>
    xmlReply(
      'InventoryConfiguration',
      inventoryContent(inventoryConfigurations.get(objects, objects.buckets.get(bucket), id)),
    ),
})
