import type { TLSSocket } from 'node:tls'
import type { Facts } from '../../../access/conditions.ts'
import type { Requester } from '../../../access/requester.ts'
import { parseCrn } from '../../../base/crn.ts'
import type { Bucket } from '../../../objects/buckets.ts'
import type { Tag } from '../../../objects/object-properties.ts'
import type { Asking } from '../anonymous.ts'
import type { S3Action } from '../operation.ts'
import type { S3Request } from '../request.ts'
import { authMechanism } from '../sigv4/mechanism.ts'
import { isVersion2 } from '../sigv4/post-policy.ts'
import { decodeOnce } from '../uri.ts'
import { actingHeader, DESCRIBING, type Deed, isObjectCreation } from './acting-headers.ts'

/** What conditions of policies can ask for. */
export interface FactSources extends Deed {
  readonly isForm: boolean
  readonly principal: Asking
  readonly requester: Requester
  readonly sourceIp: string | undefined
  readonly nowMs: number
  readonly region: string
  /** Undefined: it is about none that there is. */
  readonly bucket: Bucket | undefined
  readonly versionId: string | undefined
  /** Overrides what the query says: of an object that is asked for, its key. */
  readonly prefix?: string | undefined
  /** Of the object as it is. Undefined: there is none, or nobody asks for them. */
  readonly existingTags?: readonly Tag[] | undefined
  /** That the request gives. */
  readonly requestTags?: readonly Tag[] | undefined
  readonly bucketTags?: readonly Tag[] | undefined
  /** That the request gives to the bucket. */
  readonly newBucketTags?: readonly Tag[] | undefined
  /** Of a bucket that is to be made. */
  readonly location?: string | undefined
  /** All that the root key is called which the request names. */
  readonly rootKeyNames?: readonly string[] | undefined
}

type Values = readonly string[] | undefined

const one = (value: string | undefined): Values => (value === undefined ? undefined : [value])

/** Headers that are condition keys of S3 by their own name. */
const HEADERS: ReadonlySet<string> = new Set([
  ...DESCRIBING,
  ...['x-amz-grant-write', 'x-amz-metadata-directive', 'x-amz-object-ownership', 'if-match', 'if-none-match'],
])
const LOCK = 'x-amz-object-lock-'

export function factsOf(sources: FactSources): Facts {
  return {
    get: (key) => {
      if (key.startsWith('aws:')) return globalFact(key.slice(4), sources)
      return key.startsWith('s3:') ? s3Fact(key.slice(3), sources) : issuerFact(key, sources)
    },
  }
}

function globalFact(name: string, sources: FactSources): Values {
  const { request, principal, requester, sourceIp, nowMs, region, bucket } = sources
  const named = principal.type === 'anonymous' ? undefined : principal
  const temporarySinceMs = named?.type === 'service' ? undefined : named?.temporarySinceMs
  switch (name) {
    case 'sourceip':
      return one(sourceIp)
    case 'securetransport':
      return [String(request.secure)]
    case 'currenttime':
      return [new Date(nowMs).toISOString()]
    case 'epochtime':
      return [String(Math.floor(nowMs / 1000))]
    case 'useragent':
      return one(sent(sources, 'user-agent'))
    case 'referer':
      return one(sent(sources, 'referer'))
    case 'principalarn':
      // AWS: of a session, its role.
      return one(requester.arns.at(named?.type === 'user' && named.aws ? -1 : 0))
    case 'principalaccount':
      return one(named?.accountId)
    case 'principaltype':
      return [principalType(principal)]
    case 'principalisawsservice':
      return [String(principal.type === 'service')]
    case 'principalservicename':
      return requester.services?.slice(0, 1)
    case 'principalservicenameslist':
      return requester.services
    case 'userid':
      return [named?.iamId ?? 'anonymous']
    case 'username':
      if (named?.type === 'user' && named.aws) return named.aws.kind === 'user' ? [named.aws.name] : undefined
      return principal.type === 'service' ? undefined : one(named?.iamId)
    case 'federatedprovider':
      return one(federatedOf(principal)?.provider)
    case 'tokenissuetime':
      return one(temporarySinceMs === undefined ? undefined : new Date(temporarySinceMs).toISOString())
    case 'multifactorauthpresent':
      // AWS: temporary credentials alone have it. Nobody has a second factor here.
      return temporarySinceMs === undefined ? undefined : ['false']
    case 'requestedregion':
      return [region]
    case 'resourceaccount':
      return one(bucket && parseCrn(bucket.serviceInstanceCrn).account)
    case 'tagkeys':
      return keysOf(sources.newBucketTags)
    case 'viaawsservice':
      return ['false']
    default:
      if (name.startsWith('principaltag/')) return tagFact(name, 'principaltag/', tagsOf(principal))
      // AWS: of an object, too, they are those of its bucket.
      return tagFact(name, 'resourcetag/', sources.bucketTags) ?? tagFact(name, 'requesttag/', sources.newBucketTags)
  }
}

const tagsOf = (principal: Asking) => (principal.type === 'user' ? principal.aws?.tags : undefined)
const federatedOf = (principal: Asking) => (principal.type === 'user' ? principal.aws?.federated : undefined)

/** What the identity provider said that a session came through. */
function issuerFact(key: string, { principal }: FactSources): Values {
  const facts = federatedOf(principal)?.facts ?? {}
  return Object.hasOwn(facts, key) ? facts[key] : undefined
}

function principalType(principal: Asking): string {
  if (principal.type === 'anonymous') return 'Anonymous'
  if (principal.type === 'service') return 'Service'
  return principal.aws?.kind === 'role' ? 'AssumedRole' : 'User'
}

/** Names of tags tell upper from lower case; condition keys do not, as on AWS. */
function tagFact(name: string, family: string, tags: readonly Tag[] | undefined): Values {
  if (!name.startsWith(family)) return undefined
  const wanted = name.slice(family.length)
  return one(tags?.find(({ key }) => key.toLowerCase() === wanted)?.value)
}

const keysOf = (tags: readonly Tag[] = []): Values => (tags.length > 0 ? tags.map(({ key }) => key) : undefined)

function s3Fact(name: string, sources: FactSources): Values {
  const { request, nowMs, bucket, versionId, operation, action } = sources
  const { headers, query } = request
  if (name === 'x-amz-server-side-encryption-aws-kms-key-id' && sources.rootKeyNames) return sources.rootKeyNames
  if (HEADERS.has(name)) return actingHeader(name, sources)
  switch (name) {
    case 'prefix':
      return one(sources.prefix ?? listingQuery(name, sources))
    case 'delimiter':
    case 'max-keys':
      return one(listingQuery(name, sources))
    case 'locationconstraint':
      return one(sources.location)
    case 'versionid':
      return one(versionId)
    case 'x-amz-content-sha256':
      return one(headers.get(name))
    case 'x-amz-copy-source':
      return one(copySource(actingHeader(name, sources)?.[0]))
    case 'objectcreationoperation':
      return one(isObjectCreation(operation, action)?.toString())
    case 'inventoryaccessibleoptionalfields':
      return said(sources, name)
    case 'signatureversion':
      return one(signatureVersion(sources))
    case 'authtype':
      return one(authType(sources))
    case 'signatureage':
      return authType(sources) === 'REST-QUERY-STRING' ? one(signatureAge(query.get('X-Amz-Date'), nowMs)) : undefined
    case 'tlsversion':
      return one(tlsVersion(request))
    case 'resourceaccount':
      return one(bucket && parseCrn(bucket.serviceInstanceCrn).account)
    case 'object-lock-mode':
    case 'object-lock-legal-hold':
    case 'object-lock-retain-until-date':
      return actingHeader(`x-amz-${name}`, sources)
    case 'object-lock-remaining-retention-days':
      return said(sources, name) ?? one(daysUntil(actingHeader(`${LOCK}retain-until-date`, sources)?.[0], nowMs))
    case 'requestobjecttagkeys':
      return keysOf(sources.requestTags)
    default:
      return (
        tagFact(name, 'existingobjecttag/', sources.existingTags) ??
        tagFact(name, 'requestobjecttag/', sources.requestTags) ??
        tagFact(name, 'buckettag/', sources.bucketTags)
      )
  }
}

/** `bucket/key`, decoded and without the slash that may lead it. */
function copySource(value: string | undefined): string | undefined {
  const [path] = value?.split('?versionId=') ?? []
  return path === undefined ? undefined : (decodeOnce(path)?.replace(/^\//, '') ?? path)
}

/** Listings alone have them. */
const listingQuery = (name: string, { action, request }: FactSources): string | undefined =>
  action && LISTINGS.has(action) ? request.query.get(name) : undefined

const LISTINGS: ReadonlySet<S3Action> = new Set<S3Action>([
  ...(['s3:ListBucket', 's3:ListBucketVersions', 's3:ListBucketMultipartUploads'] as const),
])

/** Of the request itself, also of one that brings a form. */
const sent = ({ request, isForm }: FactSources, name: 'user-agent' | 'referer'): string | undefined =>
  isForm ? request.incoming.headers[name] : request.headers.get(name)

function said(sources: FactSources, name: string): Values {
  const value = sources.said?.[name]
  return typeof value === 'string' ? [value] : value
}

type AuthType = 'POST' | 'REST-QUERY-STRING' | 'REST-HEADER'

/** Nothing of what somebody unknown says was verified. */
function authType({ principal, request, isForm }: FactSources): AuthType | undefined {
  if (principal.type === 'anonymous') return undefined
  if (isForm) return 'POST'
  return authMechanism(request) === 'query' ? 'REST-QUERY-STRING' : 'REST-HEADER'
}

/** A token is no signature. */
function signatureVersion(sources: FactSources): string | undefined {
  const { request } = sources
  const type = authType(sources)
  if (type === undefined) return undefined
  if (type === 'POST') return isVersion2(request.headers) ? 'AWS' : 'AWS4-HMAC-SHA256'
  return authMechanism(request) === 'bearer' ? undefined : 'AWS4-HMAC-SHA256'
}

/** Milliseconds. */
function signatureAge(amzDate: string | undefined, nowMs: number): string | undefined {
  const parts = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(amzDate ?? '')
  if (!parts) return undefined
  const [year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0] = parts.slice(1).map(Number)
  return String(Math.max(0, nowMs - Date.UTC(year, month - 1, day, hour, minute, second)))
}

/** `1.2`, `1.3`; undefined without TLS. */
function tlsVersion({ incoming }: S3Request): string | undefined {
  const { socket } = incoming
  const isTls = (one: object): one is TLSSocket => 'getProtocol' in one
  return isTls(socket) ? (socket.getProtocol() ?? undefined)?.replace(/^TLSv/, '') : undefined
}

function daysUntil(date: string | undefined, nowMs: number): string | undefined {
  const until = date === undefined ? Number.NaN : Date.parse(date)
  return Number.isNaN(until) ? undefined : String(Math.ceil((until - nowMs) / 86_400_000))
}
