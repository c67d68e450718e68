import { memoised } from '../../../base/memo.ts'
import { S3Error, type S3ErrorCode } from '../error-codes.ts'
import type { CredentialScope } from './signing-key.ts'

/** 'any': clients of services that ignore the region sign for whatever they are set to. */
export type Regions = readonly string[] | 'any'

/** What a scope may name: S3, and the APIs for identities. */
export type SignedService = 's3' | 'iam' | 'sts'

/** How the two places that carry a credential name their errors. */
export interface ScopeErrors {
  readonly code: Extract<S3ErrorCode, 'AuthorizationHeaderMalformed' | 'AuthorizationQueryParametersError'>
  readonly prefix: string
}

/**
 * Takes `AKID/yyyymmdd/region/s3/aws4_request` apart. The id may hold slashes. Checks service, region and that the
 * day is the one of `amzDate`.
 */
export function parseCredentialScope(
  text: string,
  amzDate: string,
  regions: Regions,
  errors: ScopeErrors,
  services: readonly SignedService[] = ['s3'],
): CredentialScope {
  const { accessKeyId, date, region, service, terminal, scope } = termsOf(text)
  // Clients that have no region name none, and are right where any will do.
  const hasRegion = region !== undefined && (region !== '' || regions === 'any')
  if (!accessKeyId || !date || !hasRegion || !service || terminal !== 'aws4_request') {
    throw new S3Error(
      errors.code,
      `${errors.prefix}the Credential is mal-formed; expecting "<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request".`,
    )
  }
  const known = services.find((one) => one === service)
  if (known === undefined) {
    const expected = services.join('" or "')
    throw new S3Error(
      errors.code,
      `${errors.prefix}incorrect service "${service}". This endpoint belongs to "${expected}".`,
    )
  }
  if (amzDate.slice(0, 8) !== date) {
    throw new S3Error(
      errors.code,
      `${errors.prefix}Invalid credential date "${date}". This date is not the same as X-Amz-Date: "${amzDate.slice(0, 8)}".`,
    )
  }
  if (regions !== 'any' && !regions.includes(region)) {
    const expected = regions[0] ?? ''
    throw new S3Error(errors.code, `${errors.prefix}the region '${region}' is wrong; expecting '${expected}'`, {
      extra: { Region: expected },
    })
  }
  return { accessKeyId, date, region, service: known, scope }
}

/** A client sends the same one all day. */
const termsOf = memoised((text) => {
  const terms = text.split('/')
  const [date = '', region, service, terminal] = terms.slice(-4)
  return {
    ...{ accessKeyId: terms.slice(0, -4).join('/'), region, service, terminal },
    date: /^\d{8}$/.test(date) ? date : undefined,
    scope: `${date}/${region}/${service}/aws4_request`,
  }
}, 256)
