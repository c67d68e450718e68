import { matches, parsePattern } from '../../../access/pattern.ts'
import type { Names, Statement } from '../../../access/policy.ts'
import type { Principals } from '../../../access/principals.ts'
import type { Principal } from '../../../iam/principal.ts'
import type { Bucket } from '../../../objects/buckets.ts'
import type { Objects } from '../../../objects/objects.ts'
import type { BucketShares, SampleKey, ShareStatement, SharesReader } from '../../common/bucket-shares.ts'
import { accessOf } from './bucket-access.ts'
import { statementsOf } from './identity-policies.ts'

const MAX_SAMPLES = 100

export function sharesReader(objects: Pick<Objects, 'document' | 'configurationOf'>): SharesReader {
  return {
    sharesOf: (bucket) => sharesOf(objects, bucket),
    samplesOf: (bucket, principal) => {
      const { policy } = accessOf(objects, bucket)
      const shared = policy === undefined || policy === 'unreadable' ? [] : policy.statements
      const byPattern = new Map(
        [...shared, ...ownStatements(principal)]
          .filter(isAboutReading)
          .flatMap(({ resources }) => resources?.patterns ?? [])
          .flatMap(({ source }) => sampleOf(source, bucket.name))
          .map((sample) => [sample.pattern, sample]),
      )
      return [...byPattern.values()].slice(0, MAX_SAMPLES)
    },
  }
}

const ownStatements = (principal: Principal | undefined): readonly Statement[] =>
  principal?.type === 'user' && principal.aws ? statementsOf(principal.aws) : []

function sharesOf(objects: Pick<Objects, 'document' | 'configurationOf'>, bucket: Bucket): BucketShares {
  const { policy, acl, restrictPublicBuckets } = accessOf(objects, bucket)
  const { allowedIp, deniedIp, allowedNetworkType } = objects.configurationOf(bucket).firewall ?? {}
  const isReadable = policy !== undefined && policy !== 'unreadable'
  return {
    policy: policy === undefined ? 'none' : isReadable ? 'readable' : 'unreadable',
    statements: isReadable ? policy.statements.filter(isAboutReading).map(faceOf) : [],
    grants: (acl?.grants ?? []).map(({ grantee, permission }) => ({
      to: 'id' in grantee ? grantee.id : grantee.group,
      permission,
    })),
    restrictsPublic: restrictPublicBuckets,
    hasFirewall: [allowedIp, deniedIp, allowedNetworkType].some((list) => list !== undefined && list.length > 0),
  }
}

const isAboutReading = ({ actions }: Statement): boolean => names(actions, 's3:GetObject')

const names = ({ not, patterns }: Names, action: string): boolean =>
  patterns.some((pattern) => matches(pattern, action, () => undefined, { ignoreCase: true })) !== not

function faceOf({ name, effect, principals, resources, conditions }: Statement): ShareStatement {
  return {
    ...{ name, effect },
    principals: principals?.list.map(nameOf) ?? [],
    exceptPrincipals: principals?.not ?? false,
    resources: resources?.patterns.map(({ source }) => source) ?? [],
    exceptResources: resources?.not ?? false,
    conditions: [...new Set(conditions.map(({ key }) => key))],
  }
}

function nameOf(principal: Principals['list'][number]): string {
  switch (principal.type) {
    case 'everyone':
      return '*'
    case 'account':
      return principal.accountId
    case 'arn':
      return principal.arn
    case 'canonical':
      return principal.id
    case 'service':
      return principal.name
    case 'federated':
      return principal.provider
    default:
      return principal satisfies never
  }
}

const BUCKET_ARN = 'arn:aws:s3:::'

/** Nothing for what means all objects, or what depends on who asks. */
function sampleOf(source: string, bucket: string): SampleKey[] {
  const slash = source.indexOf('/')
  const isOfBucket = slash >= 0 && source.startsWith(BUCKET_ARN) && !source.includes('${')
  if (!isOfBucket || source.slice(slash) === '/*') return []
  const name = parsePattern(source.slice(BUCKET_ARN.length, slash), { wildcards: true, variables: false })
  if (matches(name, bucket, () => undefined) !== true) return []
  const pattern = source.slice(slash + 1)
  return [{ pattern, key: pattern.replaceAll('*', 'any').replaceAll('?', 'x') }]
}
