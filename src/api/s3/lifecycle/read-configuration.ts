import { randomId } from '../../../base/ids.ts'
import type { LifecycleConfiguration, LifecycleRule, Transition } from '../../../objects/lifecycle/rule.ts'
import { S3Error } from '../error-codes.ts'
import { parseXml, type XmlElement } from '../xml/decode.ts'
import { checkTogether } from './check-rule.ts'
import { readFilter } from './read-filter.ts'
import { atLeast, invalid, malformed, midnight, wholeNumber } from './values.ts'

const MAX_RULES = 1000
const MAX_ID_LENGTH = 255
const MAX_NEWER_VERSIONS = 100

/** `classes`: names of the storage classes that a transition can lead to. */
export function readLifecycle(body: Buffer, classes: readonly string[]): Pick<LifecycleConfiguration, 'rules'> {
  const root = parseXml(body, 'LifecycleConfiguration')
  root.allow('Rule')
  if (root.elements.length === 0 || root.elements.length > MAX_RULES) throw malformed()
  const rules = root.elements.map((element) => readRule(element, classes))
  if (new Set(rules.map(({ id }) => id)).size < rules.length) {
    throw invalid('Rule ID must be unique. Found same ID for more than one rule')
  }
  const plain = rules.filter(({ plainPrefix }) => plainPrefix)
  if (plain.length > 0 && plain.length < rules.length) {
    throw new S3Error(
      'InvalidRequest',
      'Base level prefix cannot be used in Lifecycle V2, prefixes are only supported in the Filter.',
    )
  }
  return { rules }
}

function readRule(element: XmlElement, classes: readonly string[]): LifecycleRule {
  element.allow(
    ...['ID', 'Prefix', 'Filter', 'Status', 'Expiration', 'Transition', 'NoncurrentVersionExpiration'],
    ...['NoncurrentVersionTransition', 'AbortIncompleteMultipartUpload'],
  )
  const status = element.text('Status')
  if (status !== 'Enabled' && status !== 'Disabled') throw malformed()
  const id = element.text('ID') ?? ''
  if (id.length > MAX_ID_LENGTH) throw invalid(`ID length should not exceed allowed limit of ${MAX_ID_LENGTH}`)
  const transitions = element.children('Transition').map((child) => readTransition(child, classes))
  const noncurrent = element
    .children('NoncurrentVersionTransition')
    .map((child) => readNoncurrentTransition(child, classes))
  const rule: LifecycleRule = {
    // S3 names a rule that the client gave no name.
    id: id === '' ? `${randomId()}${randomId()}` : id,
    enabled: status === 'Enabled',
    ...readScope(element),
    ...member('expiration', element.child('Expiration'), readExpiration),
    ...(transitions.length > 0 ? { transitions } : {}),
    ...member('noncurrentExpiration', element.child('NoncurrentVersionExpiration'), readNoncurrentExpiration),
    ...(noncurrent.length > 0 ? { noncurrentTransitions: noncurrent } : {}),
    ...member('abortUploadDays', element.child('AbortIncompleteMultipartUpload'), readAbort),
  }
  checkTogether(rule)
  return rule
}

const member = <Name extends string, Value>(
  name: Name,
  element: XmlElement | undefined,
  read: (element: XmlElement) => Value,
): { readonly [name in Name]?: Value } | Record<never, never> => (element ? { [name]: read(element) } : {})

function readScope(element: XmlElement): Pick<LifecycleRule, 'filter' | 'plainPrefix'> {
  const prefix = element.text('Prefix')
  const filter = element.child('Filter')
  if ((prefix === undefined) === (filter === undefined)) throw malformed()
  return filter ? { filter: readFilter(filter) } : { plainPrefix: true, filter: { prefix: prefix ?? '' } }
}

function readExpiration(element: XmlElement): NonNullable<LifecycleRule['expiration']> {
  element.allow('Days', 'Date', 'ExpiredObjectDeleteMarker')
  if (element.elements.length !== 1) throw malformed()
  const marker = element.text('ExpiredObjectDeleteMarker')
  if (marker !== undefined) {
    if (marker !== 'true' && marker !== 'false') throw malformed()
    return { expiredDeleteMarker: marker === 'true' }
  }
  const date = element.text('Date')
  if (date !== undefined) return { dateMs: midnight(date) }
  return {
    days: atLeast(1, element.text('Days'), "'Days' for Expiration action must be a positive integer"),
  }
}

function readTransition(element: XmlElement, classes: readonly string[]): Transition {
  element.allow('Days', 'Date', 'StorageClass')
  const days = element.text('Days')
  const date = element.text('Date')
  if ((days === undefined) === (date === undefined)) throw malformed()
  const storageClass = readClass(element, classes)
  return date === undefined
    ? { days: atLeast(0, days, "'Days' in Transition action must be nonnegative"), storageClass }
    : { dateMs: midnight(date), storageClass }
}

function readNoncurrentTransition(element: XmlElement, classes: readonly string[]) {
  element.allow('NoncurrentDays', 'NewerNoncurrentVersions', 'StorageClass')
  const storageClass = readClass(element, classes)
  const message = "'NoncurrentDays' in NoncurrentVersionTransition action must be nonnegative"
  return {
    days: atLeast(0, element.text('NoncurrentDays'), message),
    ...newerVersions(element, 'NoncurrentVersionTransition'),
    storageClass,
  }
}

function readNoncurrentExpiration(element: XmlElement): NonNullable<LifecycleRule['noncurrentExpiration']> {
  element.allow('NoncurrentDays', 'NewerNoncurrentVersions')
  const message = "'NoncurrentDays' for NoncurrentVersionExpiration action must be a positive integer"
  return {
    days: atLeast(1, element.text('NoncurrentDays'), message),
    ...newerVersions(element, 'NoncurrentVersionExpiration'),
  }
}

function newerVersions(element: XmlElement, action: string): { readonly newerVersions?: number } {
  const text = element.text('NewerNoncurrentVersions')
  if (text === undefined) return {}
  const count = wholeNumber(text)
  if (count < 1 || count > MAX_NEWER_VERSIONS) {
    throw invalid(`'NewerNoncurrentVersions' for ${action} action must be between 1 and ${MAX_NEWER_VERSIONS}`)
  }
  return { newerVersions: count }
}

function readAbort(element: XmlElement): number {
  element.allow('DaysAfterInitiation')
  const message = "'DaysAfterInitiation' for AbortIncompleteMultipartUpload action must be a positive integer"
  return atLeast(1, element.text('DaysAfterInitiation'), message)
}

/** Classes of AWS: those that this server has not are refused by name, whatever is none is malformed. */
const KNOWN_CLASSES = [
  ...['STANDARD', 'STANDARD_IA', 'ONEZONE_IA', 'INTELLIGENT_TIERING', 'GLACIER', 'GLACIER_IR', 'DEEP_ARCHIVE'],
  ...['REDUCED_REDUNDANCY', 'EXPRESS_ONEZONE', 'OUTPOSTS', 'SNOW', 'FSX_OPENZFS', 'FSX_ONTAP', 'ACCELERATED'],
]

function readClass(element: XmlElement, classes: readonly string[]): string {
  const name = element.text('StorageClass')
  if (name === undefined || !(classes.includes(name) || KNOWN_CLASSES.includes(name))) throw malformed()
  if (!classes.includes(name)) throw new S3Error('InvalidStorageClass')
  return name
}
