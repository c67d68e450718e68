import type { LifecycleRule } from '../../../objects/lifecycle/rule.ts'
import { S3Error } from '../error-codes.ts'
import { invalid } from './values.ts'

/** What the actions of a rule must be beside one another and beside its filter. */
export function checkTogether(rule: LifecycleRule): void {
  const { filter, expiration, transitions = [], noncurrentExpiration, noncurrentTransitions = [] } = rule
  const actions = [expiration, ...transitions, noncurrentExpiration, ...noncurrentTransitions, rule.abortUploadDays]
  if (actions.every((action) => action === undefined)) {
    throw refused('At least one action needs to be specified in a rule')
  }
  if (filter.tags) {
    if (rule.abortUploadDays !== undefined) {
      throw refused('AbortIncompleteMultipartUpload cannot be specified with Tags.')
    }
    if (expiration?.expiredDeleteMarker !== undefined) {
      throw refused('ExpiredObjectDeleteMarker cannot be specified with Tags.')
    }
  }
  if (filter.largerThan !== undefined || filter.smallerThan !== undefined) {
    if (rule.abortUploadDays !== undefined) {
      throw refused('AbortIncompleteMultipartUpload cannot be specified with Object Size.')
    }
    if (expiration?.expiredDeleteMarker !== undefined) {
      throw refused('ExpiredObjectDeleteMarker cannot be specified with Object Size.')
    }
  }
  if (rule.plainPrefix && [noncurrentExpiration, ...noncurrentTransitions].some((one) => one?.newerVersions)) {
    throw refused('NewerNoncurrentVersions can only be specified in a rule with a Filter.')
  }
  checkTransitions(rule, 'Transition', transitions)
  checkTransitions(rule, 'NoncurrentVersionTransition', noncurrentTransitions)
  checkOrder(rule)
}

function checkTransitions(
  { filter }: LifecycleRule,
  action: string,
  transitions: readonly { readonly storageClass: string }[],
): void {
  if (new Set(transitions.map(({ storageClass }) => storageClass)).size < transitions.length) {
    throw refused(
      `'StorageClass' must be different for '${action}' actions in same 'Rule' with prefix '${filter.prefix ?? ''}'`,
    )
  }
}

/** What is to be deleted before it is to be moved is a mistake; days and dates cannot be compared. */
function checkOrder({ filter, expiration, transitions = [], ...rule }: LifecycleRule): void {
  const timed = [...transitions, ...(expiration?.expiredDeleteMarker === undefined && expiration ? [expiration] : [])]
  const of = `for prefix '${filter.prefix ?? ''}'`
  if (new Set(timed.map(({ dateMs }) => dateMs === undefined)).size > 1) {
    throw refused(`Found mixed 'Date' and 'Days' based Expiration and Transition actions in lifecycle rule ${of}`)
  }
  for (const { days, dateMs } of transitions) {
    if (expiration?.days !== undefined && days !== undefined && days >= expiration.days) {
      throw invalid(`'Days' in the Expiration action ${of} must be greater than 'Days' in the Transition action`)
    }
    if (expiration?.dateMs !== undefined && dateMs !== undefined && dateMs >= expiration.dateMs) {
      throw invalid(`'Date' in the Expiration action ${of} must be later than 'Date' in the Transition action`)
    }
  }
  const { noncurrentExpiration, noncurrentTransitions = [] } = rule
  if (noncurrentTransitions.some(({ days }) => days >= (noncurrentExpiration?.days ?? Number.POSITIVE_INFINITY))) {
    throw invalid(
      `'NoncurrentDays' in the NoncurrentVersionExpiration action ${of} must be greater than 'NoncurrentDays' in the NoncurrentVersionTransition action`,
    )
  }
}

const refused = (message: string): S3Error => new S3Error('InvalidRequest', message)
