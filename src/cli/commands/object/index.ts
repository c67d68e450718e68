import type { CommandSpec } from '../../spec.ts'
import { catObject } from './cat.ts'
import { copyObjects } from './cp.ts'
import { objectEnvelope } from './envelope.ts'
import { getObjects } from './get.ts'
import { listObjects } from './ls.ts'
import { moveObjects } from './mv.ts'
import { putObjects } from './put.ts'
import { restoreObject } from './restore.ts'
import { removeObjects } from './rm.ts'
import { shareObject } from './share.ts'
import { statObject } from './stat.ts'
import { syncObjects } from './sync.ts'
import { tagObject } from './tag.ts'
import { listVersions } from './versions.ts'

export const COMMANDS: readonly CommandSpec[] = [
  listObjects,
  putObjects,
  getObjects,
  catObject,
  removeObjects,
  copyObjects,
  moveObjects,
  syncObjects,
  statObject,
  listVersions,
  restoreObject,
  shareObject,
  objectEnvelope,
  tagObject,
]
