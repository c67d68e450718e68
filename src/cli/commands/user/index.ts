import type { CommandSpec } from '../../spec.ts'
import { createUser } from './create.ts'
import { keyCreate } from './key-create.ts'
import { keyList } from './key-ls.ts'
import { keyRemove } from './key-rm.ts'
import { keyRotate } from './key-rotate.ts'
import { listUsers } from './ls.ts'
import { removeUser } from './rm.ts'
import { showUser } from './show.ts'

export const COMMANDS: readonly CommandSpec[] = [
  listUsers,
  createUser,
  showUser,
  removeUser,
  keyCreate,
  keyList,
  keyRemove,
  keyRotate,
]
