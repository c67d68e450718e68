import type { Scenario } from '../harness/scenario.ts'
import { diskErrors } from './disk-errors.ts'
import { kill } from './kill.ts'
import { steps } from './steps.ts'

export const SCENARIOS: readonly Scenario[] = [kill, steps, diskErrors]
