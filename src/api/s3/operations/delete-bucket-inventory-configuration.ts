import { inventoryConfigurations } from '../inventory-configuration.ts'
import { configurationTarget } from '../named-configurations.ts'
import { defineOperation } from '../operation.ts'

export const deleteBucketInventoryConfiguration = defineOperation({
  name: 'DeleteBucketInventoryConfiguration',
  method: 'DELETE',
  on: 'bucket',
  query: { inventory: true, id: true },
  action: 's3:PutInventoryConfiguration',
  parse: configurationTarget,
  run: async ({ bucket, id }, { objects }) => {
    await inventoryConfigurations.remove(objects, objects.buckets.get(bucket), id)
    return { status: 204 }
  },
})
