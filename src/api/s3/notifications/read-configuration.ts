import { randomId } from '../../../base/ids.ts'
import {
  coversEvent,
  type DestinationKind,
  type NotificationConfiguration,
  type Subscription,
} from '../../../objects/notifications/configuration.ts'
import { S3Error } from '../error-codes.ts'
import { parseXml, type XmlElement } from '../xml/decode.ts'

const MAX_SUBSCRIPTIONS = 100
const MAX_VALUE_LENGTH = 1024

interface Destination {
  readonly kind: DestinationKind
  /** Name of the element that holds the ARN. */
  readonly member: string
  readonly service: string
}

const DESTINATIONS: Readonly<Record<string, Destination>> = {
  QueueConfiguration: { kind: 'queue', member: 'Queue', service: 'sqs' },
  TopicConfiguration: { kind: 'topic', member: 'Topic', service: 'sns' },
  CloudFunctionConfiguration: { kind: 'function', member: 'CloudFunction', service: 'lambda' },
}

/** All that S3 knows; of some nothing ever comes, for they never happen here. */
const EVENTS = [
  ...['ObjectCreated:*', 'ObjectCreated:Put', 'ObjectCreated:Post', 'ObjectCreated:Copy'],
  ...['ObjectCreated:CompleteMultipartUpload', 'ObjectRemoved:*', 'ObjectRemoved:Delete'],
  ...['ObjectRemoved:DeleteMarkerCreated', 'ObjectRestore:*', 'ObjectRestore:Post', 'ObjectRestore:Completed'],
  ...['ObjectRestore:Delete', 'ReducedRedundancyLostObject', 'Replication:*', 'LifecycleTransition'],
  ...['Replication:OperationFailedReplication', 'Replication:OperationMissedThreshold'],
  ...['Replication:OperationReplicatedAfterThreshold', 'Replication:OperationNotTracked', 'IntelligentTiering'],
  ...['ObjectAcl:Put', 'ObjectTagging:*', 'ObjectTagging:Put', 'ObjectTagging:Delete', 'LifecycleExpiration:*'],
  ...['LifecycleExpiration:Delete', 'LifecycleExpiration:DeleteMarkerCreated'],
]

/** `targets`: those that can be told, as their ARNs end. Undefined: nobody is to be told any more. */
export function readNotifications(body: Buffer, targets: readonly string[]): NotificationConfiguration | undefined {
  const root = parseXml(body, 'NotificationConfiguration')
  if (root.child('EventBridgeConfiguration')) {
    throw new S3Error('NotImplemented', 'EventBridgeConfiguration is not implemented.')
  }
  root.allow(...Object.keys(DESTINATIONS))
  if (root.elements.length > MAX_SUBSCRIPTIONS) throw new S3Error('MalformedXML')
  const subscriptions = root.elements.map((element) => readSubscription(element, targets))
  if (new Set(subscriptions.map(({ id }) => id)).size < subscriptions.length) {
    throw invalid('Same ID used for multiple configurations. IDs must be unique')
  }
  for (const [index, one] of subscriptions.entries()) {
    if (!subscriptions.slice(0, index).some((other) => overlap(one, other))) continue
    throw invalid('Configurations overlap. Configurations on the same bucket cannot share a common event type.')
  }
  return subscriptions.length > 0 ? { subscriptions } : undefined
}

function readSubscription(element: XmlElement, targets: readonly string[]): Subscription {
  const { kind, member, service } = DESTINATIONS[element.name] ?? failed()
  element.allow('Id', 'Event', 'Filter', member)
  const arn = element.text(member)
  const events = [...new Set(element.children('Event').map((child) => readEvent(child.value())))]
  if (arn === undefined || events.length === 0) throw new S3Error('MalformedXML')
  const id = element.text('Id') ?? ''
  if (id.length > 255) throw invalid('The ID is too long.')
  const target = targetOf(arn, service, targets)
  if (target === undefined) {
    throw invalid('Unable to validate the following destination configurations', {
      ArgumentName1: arn,
      ArgumentValue1: 'The destination is not set up',
    })
  }
  const base = { id: id === '' ? `${randomId()}${randomId()}` : id, kind, arn, target, events }
  return { ...base, ...readFilter(element.child('Filter')) }
}

const failed = (): never => {
  throw new S3Error('MalformedXML')
}

/** `arn:<partition>:<service>:<region>:<name>:<kind>`; the name, if there is such a target. */
function targetOf(arn: string, service: string, targets: readonly string[]): string | undefined {
  const [, name, kind] = new RegExp(`^arn:[a-z-]+:${service}:[a-z0-9-]*:([a-z0-9-]+):([a-z]+)$`).exec(arn) ?? []
  return targets.includes(`${name}:${kind}`) ? name : undefined
}

function readEvent(text: string): string {
  const name = text.startsWith('s3:') ? text.slice(3) : ''
  if (!EVENTS.includes(name)) throw invalid('The event is not supported for notifications', { ArgumentValue: text })
  return name
}

function readFilter(element: XmlElement | undefined): Pick<Subscription, 'prefix' | 'suffix'> {
  element?.allow('S3Key')
  const rules = element?.child('S3Key')
  rules?.allow('FilterRule')
  const filter: { prefix?: string; suffix?: string } = {}
  for (const rule of rules?.elements ?? []) {
    rule.allow('Name', 'Value')
    const name = rule.text('Name')?.toLowerCase()
    const value = rule.text('Value')
    if (name !== 'prefix' && name !== 'suffix') throw invalid('filter rule name must be either prefix or suffix')
    if (value === undefined) throw new S3Error('MalformedXML')
    if (value.length > MAX_VALUE_LENGTH)
      throw invalid('Size of filter rule value cannot exceed 1024 bytes in UTF-8 representation')
    if (filter[name] !== undefined) throw invalid(`Cannot specify more than one ${name} rule in a filter.`)
    filter[name] = value
  }
  return filter
}

/** S3: nobody is told of the same thing by two subscriptions, whoever they lead to. */
function overlap(one: Subscription, other: Subscription): boolean {
  const events = one.events.some((a) => other.events.some((b) => coversEvent(a, b) || coversEvent(b, a)))
  const begin = (a: Subscription, b: Subscription) => (a.prefix ?? '').startsWith(b.prefix ?? '')
  const end = (a: Subscription, b: Subscription) => (a.suffix ?? '').endsWith(b.suffix ?? '')
  return events && (begin(one, other) || begin(other, one)) && (end(one, other) || end(other, one))
}

const invalid = (message: string, extra?: Readonly<Record<string, string>>): S3Error =>
  new S3Error('InvalidArgument', message, extra ? { extra } : {})
