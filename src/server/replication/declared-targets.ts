import { Secret } from '../../base/secret.ts'

/** An S3 endpoint that the settings name. */
export interface DeclaredTarget {
  readonly name: string
  readonly endpoint: string
  readonly region: string
  /** A Coffer keeps ids and times of versions. */
  readonly kind: 'coffer' | 's3'
  /** Versions are sent as they are sealed, and never in clear. */
  readonly sealed: boolean
  /** Whose buckets may be replicated there; empty: everybody's. */
  readonly accounts: readonly string[]
}

export interface TargetCredentials {
  readonly accessKeyId: string
  readonly secretAccessKey: Secret
}

const PARAMETERS = ['region', 'kind', 'bytes', 'account']

/** `<name>=<endpoint>?region=…&kind=…&account=…&account=…`; undefined for what is none. */
export function declaredTarget(text: string): DeclaredTarget | undefined {
  const [, name = '', address = ''] = /^([a-z][a-z0-9-]{0,31})=(https?:\/\/.+)$/.exec(text) ?? []
  if (!URL.canParse(address)) return undefined
  const { origin, pathname, searchParams, username, password, hash } = new URL(address)
  if (pathname !== '/' || username !== '' || password !== '' || hash !== '') return undefined
  const region = searchParams.get('region') ?? 'us-east-1'
  const kind = searchParams.get('kind') ?? 's3'
  const bytes = searchParams.get('bytes') ?? 'opened'
  const accounts = searchParams.getAll('account')
  const known = [...searchParams.keys()].every((parameter) => PARAMETERS.includes(parameter))
  const single = ['region', 'kind', 'bytes'].every((parameter) => searchParams.getAll(parameter).length <= 1)
  if (!known || !single || !/^[a-z0-9-]{1,32}$/.test(region)) return undefined
  if (kind !== 'coffer' && kind !== 's3') return undefined
  if (bytes !== 'opened' && bytes !== 'sealed') return undefined
  if (!accounts.every((account) => /^[0-9a-f]{32}$/.test(account))) return undefined
  return { name, endpoint: origin, region, kind, sealed: bytes === 'sealed', accounts }
}

/** `<name>=<access key id>:<secret access key>`, separated by commas; undefined for what is none. */
export function declaredCredentials(text: string): ReadonlyMap<string, TargetCredentials> | undefined {
  const credentials = new Map<string, TargetCredentials>()
  for (const one of text.split(',').map((part) => part.trim())) {
    const [, name = '', accessKeyId = '', secret = ''] = /^([a-z][a-z0-9-]{0,31})=([^:\s]+):(\S+)$/.exec(one) ?? []
    if (secret === '' || credentials.has(name)) return undefined
    credentials.set(name, { accessKeyId, secretAccessKey: new Secret(secret) })
  }
  return credentials
}
