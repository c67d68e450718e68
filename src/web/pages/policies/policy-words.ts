import { attributeOf, type Policy } from '../../client/iam.ts'
import { session } from '../../client/session.ts'

export interface PolicyIdentity {
  readonly iamId: string
  readonly name: string
}

export function whoWords({ subjects }: Policy, identities: readonly PolicyIdentity[]): string {
  const [subject] = subjects
  const iamId = attributeOf(subject?.attributes, 'iam_id')
  if (iamId !== undefined) return identities.find((one) => one.iamId === iamId)?.name ?? iamId
  return attributeOf(subject?.attributes, 'access_group_id') ?? 'somebody'
}

const SERVICES: Readonly<Record<string, string>> = {
  'cloud-object-storage': 'Object Storage',
  kms: 'Key Protect',
  iam: 'identities and policies',
}

/** What of it a policy is about: `bucket invoices in objects`. */
export function resourceWords({ resources }: Policy): string {
  const attributes = resources[0]?.attributes
  const of = (name: string) => attributeOf(attributes, name)
  const service = of('serviceName')
  const guid = of('serviceInstance')
  const instance = session().instances.find((one) => one.guid === guid)?.name ?? guid
  const thing = [of('resourceType'), of('resource')].filter((part) => part !== undefined).join(' ')
  const ring = of('keyRing')
  const whole = instance ?? (service === undefined ? 'the whole account' : `all of ${SERVICES[service] ?? service}`)
  return [...(thing === '' ? [] : [thing]), ...(ring === undefined ? [] : [`key ring ${ring}`]), whole].join(' in ')
}

export const roleWords = ({ roles }: Policy): string =>
  roles.map(({ display_name, role_id }) => display_name ?? role_id.split(':').at(-1) ?? '').join(', ')
