import type { CommandSpec } from '../../spec.ts'
import { checkAuthorization } from './check.ts'
import { createAuthorization } from './create.ts'
import { listAuthorizations } from './ls.ts'
import { removeAuthorization } from './rm.ts'
import { showAuthorization } from './show.ts'

export const COMMANDS: readonly CommandSpec[] = [
  listAuthorizations,
  createAuthorization,
  showAuthorization,
  removeAuthorization,
  checkAuthorization,
]
