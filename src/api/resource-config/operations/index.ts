export { getBucketConfig } from './get-bucket-config.ts'
export { updateBucketConfig } from './update-bucket-config.ts'
