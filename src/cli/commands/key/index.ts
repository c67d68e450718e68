import type { CommandSpec } from '../../spec.ts'
import { aliasAdd, aliasRemove, renameKey } from './alias.ts'
import { keyBuckets } from './buckets.ts'
import { createKey } from './create.ts'
import { disableKey } from './disable.ts'
import { enableKey } from './enable.ts'
import { importKey } from './import.ts'
import { listKeys } from './ls.ts'
import { keyPolicy } from './policy.ts'
import { restoreKey } from './restore.ts'
import { removeKey } from './rm.ts'
import { rotateKey } from './rotate.ts'
import { showKey } from './show.ts'
import { unwrapWithKey } from './unwrap.ts'
import { wrapWithKey } from './wrap.ts'

export const COMMANDS: readonly CommandSpec[] = [
  listKeys,
  createKey,
  importKey,
  showKey,
  renameKey,
  aliasAdd,
  aliasRemove,
  rotateKey,
  keyPolicy,
  disableKey,
  enableKey,
  removeKey,
  restoreKey,
  keyBuckets,
  wrapWithKey,
  unwrapWithKey,
]
