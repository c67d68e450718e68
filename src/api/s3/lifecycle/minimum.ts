import type { TransitionMinimum } from '../../../objects/lifecycle/rule.ts'
import type { S3Request } from '../request.ts'
import { invalid } from './values.ts'

export const TRANSITION_MINIMUM = 'x-amz-transition-default-minimum-object-size'

/** The smallest object that transitions move where their filter says nothing of sizes. Not given: there is none. */
export function wantedMinimum({ headers }: S3Request): TransitionMinimum | undefined {
  const value = headers.get(TRANSITION_MINIMUM)
  if (value === undefined || value === 'all_storage_classes_128K' || value === 'varies_by_storage_class') return value
  throw invalid(`Invalid ${TRANSITION_MINIMUM} found: ${value}`)
}
