import { randomId } from '../../../base/ids.ts'
import type { Off, ReplicationConfiguration, ReplicationRule } from '../../../objects/replication/configuration.ts'
import { filterOf } from '../configuration-filter.ts'
import { S3Error } from '../error-codes.ts'
import { parseXml, type XmlElement } from '../xml/decode.ts'
import { readDestination } from './read-destination.ts'
import { invalid, isOn, malformed, refuseOn, wrong } from './values.ts'

/** S3: 2 MB. */
export const REPLICATION_BODY = { maxBytes: 2 * 1024 * 1024 } as const
const MAX_RULES = 1000
const MAX_ID_LENGTH = 255
const MAX_PRIORITY = 2_147_483_647
const ROLE = /^arn:[a-z-]+:iam::[0-9a-zA-Z-]*:role\/.+$/

/** `<ReplicationConfiguration>` in either schema of S3: rules with filters and priorities, or the first one, with prefixes. */
export function readReplication(document: Buffer): ReplicationConfiguration {
  const root = parseXml(document, 'ReplicationConfiguration', REPLICATION_BODY.maxBytes)
  root.allow('Role', 'Rule')
  const elements = root.children('Rule')
  if (elements.length === 0) throw malformed()
  if (elements.length > MAX_RULES) {
    throw invalid(`The number of replication rules must not exceed the allowed limit of ${MAX_RULES} rules.`)
  }
  // S3: one rule without a filter makes it the first schema.
  const first = elements.some((element) => !element.child('Filter'))
  const rules = elements.map((element) => readRule(element, first))
  refuseTwins(rules)
  const role = root.text('Role')
  if (role === undefined) return { rules }
  if (!ROLE.test(role)) throw wrong('Role', role, 'Invalid Role specified in replication config')
  return { role, rules }
}

function readRule(element: XmlElement, first: boolean): ReplicationRule {
  element.allow(
    ...['ID', 'Priority', 'Prefix', 'Status', 'Filter', 'DeleteMarkerReplication', 'ExistingObjectReplication'],
    ...['SourceSelectionCriteria', 'Destination'],
  )
  const id = element.text('ID') ?? ''
  if (id.length > MAX_ID_LENGTH) throw wrong('ID', id, `Rule Id cannot be greater than ${MAX_ID_LENGTH}`)
  const destination = element.child('Destination')
  if (!destination) throw malformed()
  const existing = element.child('ExistingObjectReplication')
  const criteria = readCriteria(element.child('SourceSelectionCriteria'))
  const { off: offThere, ...to } = readDestination(destination, criteria.kmsObjects)
  const off: Off[] = [
    ...(existing && refuseOn(existing, 'ExistingObjectReplication') ? (['existingObjects'] as const) : []),
    ...criteria.off,
    ...offThere,
  ]
  return {
    id: id === '' ? `${randomId()}${randomId()}` : id,
    enabled: isOn(element),
    ...(first ? readFirst(element) : readSecond(element)),
    ...(criteria.kmsObjects === undefined ? {} : { kmsObjects: criteria.kmsObjects }),
    ...(off.length > 0 ? { off } : {}),
    destination: to,
  }
}

const SCHEMA =
  'of Cross Region Replication configuration schema. Please refer to S3 Developer Guide for more information.'
const OF_SECOND = ['Priority', 'DeleteMarkerReplication'] as const

function readFirst(element: XmlElement): Pick<ReplicationRule, 'prefix'> {
  for (const name of OF_SECOND) {
    if (element.child(name)) throw invalid(`${name} cannot be used for this version ${SCHEMA}`)
  }
  const prefix = element.text('Prefix')
  if (prefix === undefined || element.child('Filter')) throw malformed()
  return { prefix }
}

function readSecond(element: XmlElement): Pick<ReplicationRule, 'priority' | 'filter' | 'deleteMarkers'> {
  if (element.child('Prefix')) throw malformed()
  for (const name of OF_SECOND) {
    if (!element.child(name)) throw invalid(`${name} must be specified for this version ${SCHEMA}`)
  }
  const filter = element.child('Filter')?.elements.length === 0 ? { tags: [] } : filterOf(element)
  if (!filter) throw malformed()
  if (new Set(filter.tags.map(({ key }) => key)).size < filter.tags.length) {
    throw invalid('Duplicate Tag Keys are not allowed.')
  }
  const markers = element.child('DeleteMarkerReplication')
  markers?.allow('Status')
  const deleteMarkers = markers !== undefined && isOn(markers)
  if (deleteMarkers && filter.tags.length > 0) {
    throw invalid(
      'Delete marker replication is not supported if any Tag filter is specified. Please refer to S3 Developer Guide for more information.',
    )
  }
  return { priority: readPriority(element.text('Priority') ?? ''), filter, deleteMarkers }
}

function readPriority(text: string): number {
  if (!/^-?\d{1,12}$/.test(text)) throw malformed()
  const priority = Number(text)
  if (priority < 0 || priority > MAX_PRIORITY) throw invalid(`Priority must be between 0 and ${MAX_PRIORITY}.`)
  return priority
}

function readCriteria(element: XmlElement | undefined): {
  readonly kmsObjects?: boolean
  readonly off: readonly Off[]
} {
  if (!element) return { off: [] }
  element.allow('SseKmsEncryptedObjects', 'ReplicaModifications')
  if (element.elements.length === 0) throw invalid('SourceSelectionCriteria cannot be empty.')
  const kms = element.child('SseKmsEncryptedObjects')
  const modifications = element.child('ReplicaModifications')
  const off = modifications && refuseOn(modifications, 'ReplicaModifications')
  return { ...(kms ? { kmsObjects: isOn(kms) } : {}), off: off ? ['replicaModifications'] : [] }
}

function refuseTwins(rules: readonly ReplicationRule[]): void {
  const ids = new Set<string>()
  const priorities = new Set<number>()
  for (const { id, priority } of rules) {
    if (ids.has(id)) throw wrong('ID', id, 'Rule Id must be unique')
    ids.add(id)
    if (priority === undefined) continue
    if (priorities.has(priority)) throw invalid(`Found duplicate priority ${priority}.`)
    priorities.add(priority)
  }
  const withPrefix = rules.filter(({ prefix, enabled }) => prefix !== undefined && enabled)
  for (const [index, one] of withPrefix.entries()) {
    const other = withPrefix.slice(0, index).find((before) => overlap(before.prefix ?? '', one.prefix ?? ''))
    if (other) throw new S3Error('InvalidRequest', `Found overlapping prefixes '${other.prefix}' and '${one.prefix}'`)
  }
  if (withPrefix.some(({ destination }) => destination.arn !== withPrefix[0]?.destination.arn)) {
    throw invalid(`Number of distinct destination bucket ARNs cannot exceed 1`)
  }
}

const overlap = (one: string, other: string): boolean => one.startsWith(other) || other.startsWith(one)
