import { attributeOf, type Policy } from './iam.ts'

export interface AuthorizationQuestion {
  /** GUID of the object storage instance. */
  readonly source: string
  /** GUID of the Key Protect instance. */
  readonly target: string
  readonly key?: { readonly id: string; readonly keyRingID: string } | undefined
}

/** The first that lets the one use the keys, or this key, of the other. */
export const authorizationFor = (policies: readonly Policy[], question: AuthorizationQuestion): Policy | undefined =>
  policies.find(
    ({ type, state = 'active', subjects, resources }) =>
      type === 'authorization' &&
      state === 'active' &&
      subjects.some(({ attributes }) => isSource(attributes, question.source)) &&
      resources.some(({ attributes }) => isTarget(attributes, question)),
  )

type Attributes = Policy['subjects'][number]['attributes']

const agrees = (attributes: Attributes, name: string, value: string | undefined): boolean => {
  const wanted = attributeOf(attributes, name)
  return wanted === undefined || wanted === '' || wanted === value
}

const isSource = (attributes: Attributes, source: string): boolean =>
  attributeOf(attributes, 'serviceName') === 'cloud-object-storage' && agrees(attributes, 'serviceInstance', source)

const isTarget = (attributes: Attributes, { target, key }: AuthorizationQuestion): boolean =>
  attributeOf(attributes, 'serviceName') === 'kms' &&
  agrees(attributes, 'serviceInstance', target) &&
  (key === undefined || (agrees(attributes, 'resource', key.id) && agrees(attributes, 'keyRing', key.keyRingID)))
