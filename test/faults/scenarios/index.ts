import type { Scenario } from '../harness/scenario.ts'
import { clock } from './clock.ts'
import { descriptors } from './descriptors.ts'
import { diskErrors } from './disk-errors.ts'
import { fullDisk } from './full-disk.ts'
import { keysElsewhere } from './keys-elsewhere.ts'
import { kill } from './kill.ts'
import { memory } from './memory.ts'
import { powerLoss } from './power-loss.ts'
import { slowDisk } from './slow-disk.ts'
import { steps } from './steps.ts'
import { threads } from './threads.ts'
import { walk } from './walk.ts'

export const SCENARIOS: readonly Scenario[] = [
  kill,
  threads,
  steps,
  walk,
  diskErrors,
  powerLoss,
  fullDisk,
  slowDisk,
  descriptors,
  memory,
  keysElsewhere,
  clock,
]
