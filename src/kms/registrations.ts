import { z } from 'zod'
import { type Crn, parseCrn } from '../base/crn.ts'
import type { Principal } from '../iam/principal.ts'
import { invalidField, kmsError } from './errors.ts'
import { recordCodec } from './record.ts'

/** The link between a root key and a resource that it protects. */
const registrationSchema = z.strictObject({
  resourceCrn: z.string(),
  description: z.string().exactOptional(),
  preventKeyDeletion: z.boolean(),
  createdAt: z.number(),
  createdBy: z.string(),
  updatedAt: z.number(),
  updatedBy: z.string(),
  keyVersionId: z.uuid().exactOptional(),
  registrationMetadata: z.string().exactOptional(),
})

export type RegistrationRecord = Readonly<z.infer<typeof registrationSchema>>

export const registrationRecords = recordCodec<RegistrationRecord>('registration record', registrationSchema)

const MAX_CRN_BYTES = 1024

/** Throws InvalidField when `resourceCrn` is not a CRN. */
export function parseResourceCrn(resourceCrn: string): Crn {
  if (Buffer.byteLength(resourceCrn) > MAX_CRN_BYTES) throw invalidField('resourceCrn', 'the CRN is too long')
  try {
    return parseCrn(resourceCrn)
  } catch {
    throw invalidField('resourceCrn', 'a CRN of ten segments is expected')
  }
}

/** Throws ServiceOnly, ForeignResource, InvalidField. A service speaks for its own instance only. */
export function assertOwnResource(principal: Principal, resourceCrn: string): void {
  if (principal.type !== 'service') throw kmsError('ServiceOnly', 'only a service registers its resources')
  parseResourceCrn(resourceCrn)
  if (!ownsResource(principal, resourceCrn)) {
    throw kmsError('ForeignResource', 'the resource belongs to another instance')
  }
}

/** Whether it is a resource of the service instance that the principal is. */
export function ownsResource(principal: Principal, resourceCrn: string): boolean {
  if (principal.type !== 'service') return false
  const { service, instance, account } = parseResourceCrn(resourceCrn)
  return service === principal.serviceName && instance === principal.serviceInstance && account === principal.accountId
}

/**
 * Key Protect: `*` stands for a whole segment, or for the rest of the last one.
 * `fixedSegments` is how many leading segments may not be a wildcard. Throws CrnQueryInvalid.
 */
export function resourceCrnMatcher(query: string, fixedSegments: number): (resourceCrn: string) => boolean {
  const wanted = splitCrn(query)
  const mayBe = (segment: string, at: number): boolean => {
    const literal = at === 9 && segment.endsWith('*') ? segment.slice(0, -1) : segment
    return (segment === '*' && at >= fixedSegments) || !literal.includes('*')
  }
  if (wanted.length !== 10 || !wanted.every(mayBe)) {
    const message = 'a CRN of ten segments is expected, wildcards only where they are allowed'
    throw kmsError('CrnQueryInvalid', message, { field: 'urlEncodedResourceCRNQuery' })
  }
  return (resourceCrn) => {
    const segments = splitCrn(resourceCrn)
    return wanted.every((want, at) => segmentMatches(want, segments[at] ?? '', at === 9))
  }
}

/** Ten segments; the last one may hold colons. */
function splitCrn(crn: string): string[] {
  const segments = crn.split(':')
  return segments.length <= 10 ? segments : [...segments.slice(0, 9), segments.slice(9).join(':')]
}

function segmentMatches(want: string, segment: string, last: boolean): boolean {
  if (want === '*') return true
  return last && want.endsWith('*') ? segment.startsWith(want.slice(0, -1)) : want === segment
}
