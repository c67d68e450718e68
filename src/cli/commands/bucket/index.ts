import type { CommandSpec } from '../../spec.ts'
import { createBucket } from './create.ts'
import { encryptBucket } from './encrypt.ts'
import { lifecycleGet, lifecycleRemove, lifecycleSet } from './lifecycle.ts'
import { listBuckets } from './ls.ts'
import { policyGet, policyRemove, policySet } from './policy.ts'
import { removeBucket } from './rm.ts'
import { showBucket } from './show.ts'
import { bucketVersioning } from './versioning.ts'
import { whoCanRead } from './who-can-read.ts'

export const COMMANDS: readonly CommandSpec[] = [
  listBuckets,
  createBucket,
  showBucket,
  removeBucket,
  encryptBucket,
  policyGet,
  policySet,
  policyRemove,
  bucketVersioning,
  lifecycleGet,
  lifecycleSet,
  lifecycleRemove,
  whoCanRead,
]
