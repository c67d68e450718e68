import { inventoryConfigurations, inventoryContent } from '../inventory-configuration.ts'
import { listContent, listTarget } from '../named-configurations.ts'
import { defineOperation } from '../operation.ts'
import { xmlReply } from '../xml-reply.ts'

export const listBucketInventoryConfigurations = defineOperation({
  name: 'ListBucketInventoryConfigurations',
  method: 'GET',
  on: 'bucket',
  query: { inventory: true },
  action: 's3:GetInventoryConfiguration',
  parse: listTarget,
  run: async (target, { objects }) => {
    const all = inventoryConfigurations.all(objects, objects.buckets.get(target.bucket))
    return xmlReply(
      'ListInventoryConfigurationsResult',
      listContent('InventoryConfiguration', all, target, inventoryContent),
    )
  },
})
