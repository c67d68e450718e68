import { defineOperation } from '../operation.ts'
import { bucketReplication } from '../replication/configuration.ts'
import { bucketTarget } from '../target.ts'

export const deleteBucketReplication = defineOperation({
  name: 'DeleteBucketReplication',
  method: 'DELETE',
  on: 'bucket',
  query: { replication: true },
  action: 's3:PutReplicationConfiguration',
  parse: bucketTarget,
  run: async (name, { objects }) => {
    await bucketReplication.change(objects, objects.buckets.get(name), undefined)
    return { status: 204 }
  },
})
