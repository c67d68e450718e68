import { CodedError } from './errors.ts'
import { memoised } from './memo.ts'

/**
 * IBM's Cloud Resource Name: `crn:v1:<cname>:<ctype>:<service>:<location>:<scope>:<service-instance>:<resource-type>:<resource>`.
 * Ten colon-separated segments; the last one may itself hold colons (an object name).
 */
export interface Crn {
  readonly cname: string
  readonly ctype: string
  readonly service: string
  readonly region: string
  /** 32 hex digits; the scope segment is `a/<account>`. */
  readonly account: string
  readonly instance: string
  readonly resourceType: string
  readonly resource: string
}

export type CrnErrorCode = 'InvalidCrn'

/** Room for the longest object name. CRNs stand in keys of rows, which have their own limit. */
const MAX_CRN_BYTES = 1500

/**
 * Throws InvalidCrn when the text is not ten segments starting with `crn:v1`, or too long. Remembered, because every
 * request asks for the accounts of the same few buckets and keys: 2 µs of a HEAD.
 */
export const parseCrn: (text: string) => Crn = memoised(takenApart)

function takenApart(text: string): Crn {
  const [scheme, version, cname, ctype, service, region, scope, instance, resourceType, ...rest] = text.split(':')
  if (
    Buffer.byteLength(text) > MAX_CRN_BYTES ||
    scheme !== 'crn' ||
    version !== 'v1' ||
    !cname ||
    !ctype ||
    !service ||
    region === undefined ||
    scope === undefined ||
    instance === undefined ||
    resourceType === undefined ||
    rest.length === 0 ||
    !/^(a\/[0-9a-f]{32})?$/.test(scope)
  ) {
    throw new CodedError<CrnErrorCode>(
      'InvalidCrn',
      'not a CRN: ten segments separated by colons, starting with crn:v1, are expected',
    )
  }
  return { cname, ctype, service, region, account: scope.slice(2), instance, resourceType, resource: rest.join(':') }
}

export function formatCrn(crn: Pick<Crn, 'service' | 'region' | 'account' | 'instance'> & Partial<Crn>): string {
  const {
    cname = 'bluemix',
    ctype = 'public',
    service,
    region,
    account,
    instance,
    resourceType = '',
    resource = '',
  } = crn
  return `crn:v1:${cname}:${ctype}:${service}:${region}:a/${account}:${instance}:${resourceType}:${resource}`
}
