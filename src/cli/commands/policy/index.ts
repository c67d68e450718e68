import type { CommandSpec } from '../../spec.ts'
import { attachPolicy } from './attach.ts'
import { detachPolicy } from './detach.ts'
import { listPolicies } from './ls.ts'
import { removePolicy } from './rm.ts'
import { setPolicy } from './set.ts'
import { showPolicy } from './show.ts'
import { simulate } from './simulate.ts'

export const COMMANDS: readonly CommandSpec[] = [
  listPolicies,
  showPolicy,
  setPolicy,
  removePolicy,
  attachPolicy,
  detachPolicy,
  simulate,
]
